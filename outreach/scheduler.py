"""The clock. It only ticks: every few seconds the same questions are asked of the database, which knows what is due.

No job store and no cron: a second clock is harmless, and business time never depends on when this process started.
"""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from outreach.jobs import Desk

TICK_SECONDS = 5
logger = logging.getLogger(__name__)


def clock(desk: Desk) -> BackgroundScheduler:
    """A clock that asks for a desk; the first time at once."""
    scheduler = BackgroundScheduler(timezone=UTC)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(ask, "interval", [desk], seconds=TICK_SECONDS, next_run_time=datetime.now(UTC), **options)
    return scheduler


def ask(desk: Desk) -> None:
    """One pass: what has to start, what is over, what is in doubt, who has letters to send."""
    try:
        hindrance = desk.hindrance()
        if not hindrance:
            desk.start_waves()
        desk.settle(hindrance)
        if not hindrance:
            desk.knock()
    except SQLAlchemyError as error:
        logger.warning("the clock could not ask its questions: %s", error)
