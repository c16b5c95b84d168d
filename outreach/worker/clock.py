"""The clock. It only ticks: every few seconds the same questions are asked of the database, which knows what is due.

No job store and no cron: a second clock is harmless, and business time never depends on when this process started.
"""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from outreach.delivery.installation import Uncertain
from outreach.worker.process import WorkProcess, going_on

TICK_SECONDS = 5
COLLECT_SECONDS = 60
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a pass took longer than a tick needs nobody


def clock(process: WorkProcess) -> BackgroundScheduler:
    """A clock that asks for a process; the first time at once."""
    scheduler = BackgroundScheduler(timezone=UTC)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(ask, "interval", [process], seconds=TICK_SECONDS, next_run_time=datetime.now(UTC), **options)
    if process.settings.bounces_url:
        scheduler.add_job(collect, "interval", [process], seconds=COLLECT_SECONDS, **options)
    return scheduler


def collect(process: WorkProcess) -> None:
    """Look into the mailbox of notices, beside the other questions: a slow mailbox holds none of them up."""
    with going_on("reading what came back"):
        process.collect()


def ask(process: WorkProcess) -> None:
    """One pass: what has to start, what is over, what is in doubt, who has letters to send.

    A question that cannot be asked keeps no other from being asked; whether letters may leave has to be known.
    """
    hindrance = "La base de données ne répond pas."
    with going_on("asking whether letters may leave"):
        hindrance = _hindrance(process)
    if not hindrance:
        with going_on("starting waves"):
            process.start_waves()
        with going_on("waking for what is due"):
            process.wake_due()
    with going_on("settling"):
        process.settle(hindrance)


def _hindrance(process: WorkProcess) -> str:
    try:
        hindrance = process.hindrance()
        if not hindrance:
            process.remember()
    except Uncertain as error:
        return str(error)
    return hindrance
