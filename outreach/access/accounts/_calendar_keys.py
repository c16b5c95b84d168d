"""The secret address of a person's calendar. Its row holds the key's digest: whoever reads the table cannot use it.

A person has one at a time. It ends with all of the person's sessions (`sessions.end_sessions`): a new password, the
end of the account and of its last role end these. At each reading it is asked for the account and for a role.
"""

import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access import colleagues
from outreach.access.accounts._password_links import DIGEST_BYTES, link_digest
from outreach.access.colleagues import USERS, Colleague
from outreach.core.db import Base, Session, table_of


class CalendarKey(Base):
    """The key of a person's calendar, and since when there is one. Personal data, kept until it ends."""

    __tablename__ = "calendar_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(DIGEST_BYTES), unique=True)
    made_at: Mapped[datetime]


def make_calendar_key(session: Session, user_id: int, *, now: datetime) -> str:
    """Give a person a new key, in place of the one before. It is returned once; nobody can read it again.

    Whoever calls this has had the person proved once more.
    """
    key = secrets.token_urlsafe(24)
    end_calendar_key(session, user_id)
    # By the table: the ORM would ask for that of accounts, which not every process loads.
    session.execute(insert(table_of(CalendarKey)).values(user_id=user_id, digest=link_digest(key), made_at=now))
    return key


def end_calendar_key(session: Session, user_id: int) -> bool:
    """End a person's key; says whether there was one."""
    ended = delete(CalendarKey).where(CalendarKey.user_id == user_id).returning(CalendarKey.user_id)
    return session.scalar(ended) is not None


def made_at(session: Session, user_id: int) -> datetime | None:
    """When a person's key was made, or None without one."""
    return session.scalar(select(CalendarKey.made_at).where(CalendarKey.user_id == user_id))


def person_of(session: Session, key: str) -> Colleague | None:
    """Whose key this is, where the account is open and has a role; None for any other key."""
    query = select(USERS.c.id).join(CalendarKey, CalendarKey.user_id == USERS.c.id)
    found = session.scalar(query.where(CalendarKey.digest == link_digest(key), colleagues.has_a_role()))
    return colleagues.numbered(session, [found]).get(found) if found is not None else None
