"""The table of events, and their kinds."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import KEY, Base, enum_of

LONGEST_SUBJECT = 60


class EventKind(StrEnum):
    """What an event tells. Those of the register hold the state of their subject from then on, the others a change."""

    AUTHORITY_STATED = "register.authority"
    SCHOOL_STATED = "register.school"
    EDITION_APPLIED = "register.applied"
    EDITION_UNDONE = "register.undone"
    PROGRAMME_STATED = "programme.stated"
    STATUS_RECORDED = "adherence.recorded"
    STATUS_WITHDRAWN = "adherence.withdrawn"
    WAVE_LAUNCHED = "wave.launched"
    WAVE_ENDED = "wave.ended"
    WAVE_REOPENED = "wave.reopened"
    WAVE_CANCELLED = "wave.cancelled"
    RESPONSE_RECEIVED = "response.received"
    RESPONSE_HANDLED = "response.handled"
    RESPONSE_REOPENED = "response.reopened"
    ADDRESS_EXCLUDED = "address.excluded"
    ADDRESS_READMITTED = "address.readmitted"
    NOTE_PUBLISHED = "note.published"


class Event(Base):
    """An event. It has no `number` when it is written: one that was taken there could be read before a smaller one,
    whose transaction is still open. `data` is JSON.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(
            "ix_events_unnumbered",
            "id",
            sqlite_where=text("number IS NULL"),
            postgresql_where=text("number IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(KEY, primary_key=True)
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    kind: Mapped[EventKind] = mapped_column(enum_of(EventKind, "event_kind"))
    subject: Mapped[str] = mapped_column(String(LONGEST_SUBJECT))
    at: Mapped[datetime]
    data: Mapped[str] = mapped_column(Text)
