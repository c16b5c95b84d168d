"""When the mailbox of returns was last read: only then does a letter that has not come back mean anything."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, take_turns

READ_WITHIN = timedelta(days=7)  # the days after which a letter that has not come back is presumed to have arrived

NOTED_EVERY = timedelta(hours=1)


class ReturnsReading(Base):
    """The last pass over the mailbox of returns that reached its end. One row at most."""

    __tablename__ = "returns_readings"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    read_at: Mapped[datetime]


def note(session: Session, *, now: datetime) -> None:
    """Record that the mailbox of returns was read until now, to the hour: it is read each minute."""
    take_turns(session, "returns-readings")  # of the first note, which two processes may write at once
    last = session.get(ReturnsReading, 1, populate_existing=True)
    if last is None or not last.read_at <= now < last.read_at + NOTED_EVERY:
        session.merge(ReturnsReading(id=1, read_at=now))


def are_read(session: Session, *, now: datetime) -> bool:
    """Whether returns are read: the mailbox was read to its end in the last seven days."""
    last = session.get(ReturnsReading, 1)
    return last is not None and last.read_at > now - READ_WITHIN
