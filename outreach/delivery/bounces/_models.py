"""The tables of bounces: each notice once, its report on each recipient, and what it changed.

Each `label` is in French and in the plural, for the interface.

When the mailbox of returns was last read: only then does a letter that has not come back mean anything.
"""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.labelled import Labelled
from outreach.delivery.bounces._parsing import NoticeVerdict


class Handling(Labelled):
    """The change that a notice made, or why it made none.

    REFUSED: its letter counts as refused. EXCLUDED: its address is suppressed as well. ELSEWHERE: it is about an
    address that the recipient's mail is forwarded to. UNVERIFIED: nothing proves that it is about a letter of ours.
    """

    REFUSED = "refused", "courriels revenus"
    EXCLUDED = "excluded", "courriels revenus, adresse exclue"
    COMPLAINED = "complained", "adresses exclues pour plainte"
    UNSUBSCRIBED = "unsubscribed", "désinscriptions"
    ELSEWHERE = "elsewhere", "rien, rejet plus loin que l’adresse écrite"
    TOO_OLD = "too_old", "rien, courriel trop ancien"
    UNVERIFIED = "unverified", "rien, faute de preuve"
    NOTHING = "nothing", "rien"


class KeptNotice(Base):
    """A notice, identified by its digest; `message_id` is its letter, where that is proved."""

    __tablename__ = "bounce_notices"
    __table_args__ = (Index("ix_bounce_notices_message_id_handling", "message_id", "handling"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    read_at: Mapped[datetime]
    verdict: Mapped[NoticeVerdict] = mapped_column(enum_of(NoticeVerdict, "notice_verdict"))
    handling: Mapped[Handling] = mapped_column(enum_of(Handling, "notice_handling"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))

    reports: Mapped[list["KeptReport"]] = relationship(order_by="KeptReport.number")


class KeptReport(Base):
    """The report of a notice about one recipient."""

    __tablename__ = "bounce_reports"

    notice_id: Mapped[int] = mapped_column(ForeignKey("bounce_notices.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(String(320))
    verdict: Mapped[NoticeVerdict] = mapped_column(enum_of(NoticeVerdict, "report_verdict"))
    status: Mapped[str] = mapped_column(String(12), default="")
    said: Mapped[str] = mapped_column(Text, default="")


READ_WITHIN = timedelta(days=7)  # the days after which a letter that has not come back is presumed to have arrived

NOTED_EVERY = timedelta(hours=1)


class ReturnsReading(Base):
    """The last pass over the mailbox of returns that reached its end. One row at most."""

    __tablename__ = "returns_readings"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    read_at: Mapped[datetime]


def note_box_read(session: Session, *, now: datetime) -> None:
    """Record that the mailbox of returns was read until now, to the hour: it is read each minute."""
    take_lock(session, "returns-readings")  # of the first note, which two processes may write at once
    last = session.get(ReturnsReading, 1, populate_existing=True)
    if last is None or not last.read_at <= now < last.read_at + NOTED_EVERY:
        session.merge(ReturnsReading(id=1, read_at=now))


def are_read(session: Session, *, now: datetime) -> bool:
    """Whether returns are read: the mailbox was read to its end in the last seven days."""
    last = session.get(ReturnsReading, 1)
    return last is not None and last.read_at > now - READ_WITHIN
