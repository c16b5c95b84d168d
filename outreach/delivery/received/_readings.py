"""Where answers by mail are read: letters name that mailbox once it has been read, and no mailbox that nobody reads."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, once_a_reading, take_lock


class RepliesReading(Base):
    """The address of the mailbox of replies that the last pass read to its end, '' for none. One row at most.

    It has a + before the @ where the mark of a letter goes there. No person stands in it.
    """

    __tablename__ = "replies_readings"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    address: Mapped[str] = mapped_column(String(320))


def note(session: Session, address: str) -> None:
    """Record which mailbox was read."""
    take_lock(session, "replies-readings")  # of the first note, which two processes may write at once
    session.merge(RepliesReading(id=1, address=address))


@once_a_reading
def replies_address(session: Session) -> str:
    """The address of the mailbox of replies, or ''."""
    read = session.get(RepliesReading, 1, populate_existing=True)
    return read.address if read else ""
