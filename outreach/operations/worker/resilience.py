"""Whether letters may leave from here, and going on when a step fails as can be expected."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from outreach.core import erasure
from outreach.core.db import Database
from outreach.core.db.watch import is_away
from outreach.core.settings import SendingSwitch, Settings
from outreach.core.text.errors import OutreachError, Refused
from outreach.core.text.logs import told
from outreach.delivery import workers

SAID_AGAIN_SECONDS = 600
EXPECTED = (SQLAlchemyError, OSError, OutreachError, ValueError)  # ValueError: stored rows that cannot be read
logger = logging.getLogger(__name__)
_failing: dict[str, tuple[type[Exception], float]] = {}  # what fails: how, and when the log last said so


@contextmanager
def going_on(what: str, database: Database, expected: tuple[type[Exception], ...] = EXPECTED) -> Iterator[None]:
    """End this block when it fails as can be expected; the next pass of the clock repeats it.

    A database that is away is one line of the log for all steps of the process together (`Database.note_fault`). Of
    another fault the log has a line as the step begins to fail, every ten minutes while it does, and once it is well
    again.
    """
    try:
        yield
    except expected as error:
        if is_away(error):
            database.note_fault(error)
            return
        kind, at = _failing.get(what, (None, 0.0))
        if kind is not type(error) or time.monotonic() - at >= SAID_AGAIN_SECONDS:
            _failing[what] = (type(error), time.monotonic())
            said = "%s broke off, the clock will ask again: %s"
            logger.warning(said, what, told(error), extra={"event": "step_broke_off"})
    else:
        if _failing.pop(what, None) is not None:
            logger.warning("%s goes on", what, extra={"event": "step_goes_on"})


def hindrance(settings: Settings, database: Database) -> str:
    """Why no letter may leave from here, in a French sentence, or ''."""
    if settings.sending is SendingSwitch.OFF:
        return "L’envoi est coupé par OUTREACH_SENDING=off."
    with database.reading() as session:
        try:
            erasure.refuse_other_key(session)
        except Refused as error:
            return str(error)
        if settings.stays_here:
            return ""
        return workers.hindrance(session, workers.read(settings.data))


def may_send(settings: Settings, database: Database) -> bool:
    """Whether letters may leave from here; False also when the database does not answer."""
    try:
        return not hindrance(settings, database)
    except (SQLAlchemyError, OutreachError):
        return False


def remember(settings: Settings, database: Database) -> None:
    """Record an unhindered pass of the clock in the database, then in the data folder."""
    now, here = settings.instant(), workers.read(settings.data)
    with database.writing() as session:
        workers.passed(session, here, now=now)
    workers.remember(settings.data, now=now)
