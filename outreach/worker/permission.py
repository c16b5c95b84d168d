"""Whether letters may leave from here, and the record that they might."""

from sqlalchemy.exc import SQLAlchemyError

from outreach.db import Database
from outreach.delivery import installation
from outreach.erasures import digests
from outreach.errors import OutreachError, Refused
from outreach.settings import SendingSwitch, Settings


def hindrance(settings: Settings, database: Database) -> str:
    """Why no letter may leave from here, in a French sentence, or ''."""
    if settings.sending is SendingSwitch.OFF:
        return "L’envoi est coupé par OUTREACH_SENDING=off."
    with database.reading() as session:
        try:
            digests.refuse_other_key(session)
        except Refused as error:
            return str(error)
        if settings.stays_here:
            return ""
        return installation.hindrance(session, installation.read(settings.data))


def may_send(settings: Settings, database: Database) -> bool:
    """Whether letters may leave from here; False also when the database does not answer."""
    try:
        return not hindrance(settings, database)
    except (SQLAlchemyError, OutreachError):
        return False


def remember(settings: Settings, database: Database) -> None:
    """Record an unhindered pass of the clock in the database, then in the data folder."""
    now, here = settings.instant(), installation.read(settings.data)
    with database.writing() as session:
        installation.passed(session, here, now=now)
    installation.remember(settings.data, now=now)
