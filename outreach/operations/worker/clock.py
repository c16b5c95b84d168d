"""The clock: every few seconds it looks in the database for what is due.

There is no job store and no cron: a second clock is harmless, and business time never depends on when this process
started.
"""

import logging
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from outreach.core.audit import number_waiting
from outreach.delivery.workers import Uncertain
from outreach.integrations.webhooks_in import apply_waiting
from outreach.operations import retention
from outreach.operations.retention import Archives, Retention, Rhythm
from outreach.operations.worker.due import DueWork
from outreach.operations.worker.resilience import going_on, hindrance, remember
from outreach.reports import notes

TICK_SECONDS = 5
APPLY_SECONDS = 2  # a joining that was sent stops the reminder of the next round
PUSH_SECONDS = 3
NUMBER_SECONDS = 1  # a program that waits for an event reads it then
TELL_SECONDS = 3  # a dispatcher may be 2 s in a wave, and a person is told within 10 s
COLLECT_SECONDS = 60
CHECK_SECONDS = 60
REVISE_SECONDS = 15
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # its warning that a pass took longer than a tick is harmless


def clock(due: DueWork) -> BackgroundScheduler:
    """A scheduler that runs `ask` every 5 s, `tell` every 3 s, `number_events` every second, `forget` in two rhythms,
    `look_for_revisions` every 15 s, and the others every 60 s.

    `ask` and `forget` run at once the first time: a process may be restarted more often than a rhythm comes round.
    """
    scheduler = BackgroundScheduler(timezone=UTC)
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    at_once = {**options, "next_run_time": datetime.now(UTC)}
    scheduler.add_job(ask, "interval", [due], seconds=TICK_SECONDS, **at_once)
    for rhythm in Rhythm:
        scheduler.add_job(forget, "interval", [due, rhythm], seconds=rhythm.value, **at_once)
    scheduler.add_job(tell, "interval", [due], seconds=TELL_SECONDS, **options)
    scheduler.add_job(apply_sent, "interval", [due], seconds=APPLY_SECONDS, **options)
    scheduler.add_job(push, "interval", [due], seconds=PUSH_SECONDS, **options)
    scheduler.add_job(number_events, "interval", [due], seconds=NUMBER_SECONDS, **options)
    scheduler.add_job(look_for_revisions, "interval", [due], seconds=REVISE_SECONDS, **options)
    if due.settings.returns_url or due.settings.replies_url:
        scheduler.add_job(collect, "interval", [due], seconds=COLLECT_SECONDS, **options)
    if due.settings.checks_domains:
        scheduler.add_job(check_domains, "interval", [due], seconds=CHECK_SECONDS, **options)
    return scheduler


def collect(due: DueWork) -> None:
    """Read the mailboxes of what comes back, in a job of its own: a slow mailbox does not delay `ask`."""
    with going_on("reading what came back", due.database):
        due.collect()


def check_domains(due: DueWork) -> None:
    """Ask DNS about domains, in a job of its own: a resolver that is slow delays nothing else."""
    with going_on("checking the domains of addresses", due.database):
        due.check_domains()


def tell(due: DueWork) -> None:
    """Tell people what happened to their campaigns, in a job of its own: it delays no wave, and no wave delays it."""
    with going_on("telling people", due.database):
        due.tell()


def apply_sent(due: DueWork) -> None:
    """Apply the joinings that other services sent, in a job of its own: a reminder that is due waits for none."""
    with going_on("applying what services sent", due.database):
        apply_waiting(due.database, due.clock(), notes.by_list)


def look_for_revisions(due: DueWork) -> None:
    """Find the published notes that a list or an edition has revised, in a job of its own: it may read for long."""
    with going_on("looking for notes that are revised", due.database):
        notes.look_for_revisions(due.database, now=due.clock())


def push(due: DueWork) -> None:
    """Have events pushed to each program that waits for some, by a thread of its own."""
    with going_on("looking for events to push", due.database):
        due.push_room.look()


def number_events(due: DueWork) -> None:
    """Number the events that were committed, in a job of its own: programs wait for it, and letters do not."""
    with going_on("numbering events", due.database):
        number_waiting(due.database)


def forget(due: DueWork, rhythm: Rhythm) -> None:
    """Delete what was kept for its time, of the tables with this rhythm. One that fails keeps no other."""
    rules: list[Retention] = []
    with going_on("reading how long things are kept", due.database), due.database.reading() as session:
        rules += retention.in_force(session)
    archives = Archives.of(due.settings)
    for rule in rules:
        if rule.rhythm is rhythm:
            with going_on(f"deleting what is old of {rule.table}", due.database):
                retention.forget_by_rule(due.database, rule, due.clock, due.stop, archives)


def ask(due: DueWork) -> None:
    """One pass: start waves, wake dispatchers for letters due, settle doubts and ends.

    A step that fails does not stop the next ones. Waves start only after the check that sending is allowed.
    """
    hindered = "La base de données ne répond pas."
    with going_on("asking whether letters may leave", due.database):
        hindered = _hindered(due)
    with going_on("looking for what people should know", due.database):
        due.watch.look(hindered)
    if not hindered:
        with going_on("starting waves", due.database):
            due.start_waves()
        with going_on("looking for audiences that have changed", due.database):
            due.look_for_drift()
        with going_on("climbing ladders", due.database):
            due.climb()
        with going_on("waking for what is due", due.database):
            due.wake_due()
    with going_on("settling", due.database):
        _settle(due, hindered)
    with going_on("looking for jobs", due.database):
        due.job_room.look()
    with going_on("sealing the audit", due.database):
        due.sealing.seal()


def _settle(due: DueWork, hindered: str) -> None:
    """Settle, and take note of how it went: each pass writes here, so this is where a full disk shows."""
    try:
        due.settle(hindered)
    except SQLAlchemyError as error:
        due.watch.note_writing(error)
        raise
    due.watch.note_writing(None)


def _hindered(due: DueWork) -> str:
    try:
        hindered = hindrance(due.settings, due.database)
        if not hindered:
            remember(due.settings, due.database)
    except Uncertain as error:
        return str(error)
    return hindered
