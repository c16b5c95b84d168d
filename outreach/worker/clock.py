"""The clock: every few seconds it looks in the database for what is due.

There is no job store and no cron: a second clock is harmless, and business time never depends on when this process
started.
"""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from outreach.delivery.installation import Uncertain
from outreach.worker.process import WorkProcess, going_on

TICK_SECONDS = 5
COLLECT_SECONDS = 60
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # its warning that a pass took longer than a tick is harmless


def clock(process: WorkProcess) -> BackgroundScheduler:
    """A scheduler that runs `ask` every 5 s, at once the first time, and `collect` every 60 s."""
    scheduler = BackgroundScheduler(timezone=UTC)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    scheduler.add_job(ask, "interval", [process], seconds=TICK_SECONDS, next_run_time=datetime.now(UTC), **options)
    if process.settings.bounces_url:
        scheduler.add_job(collect, "interval", [process], seconds=COLLECT_SECONDS, **options)
    return scheduler


def collect(process: WorkProcess) -> None:
    """Read the mailbox of notices, in a job of its own: a slow mailbox does not delay `ask`."""
    with going_on("reading what came back"):
        process.collect()


def ask(process: WorkProcess) -> None:
    """One pass: start waves, wake postmen for letters due, settle doubts and ends.

    A step that fails does not stop the next ones. No wave starts before it is known that nothing hinders sending.
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
