"""Events for programs: told in the transaction that makes them, numbered without gaps, read as CloudEvents.

A number that the database gives while an event is written (a sequence) would not do: of two transactions the later one
may commit first, and whoever reads in between passes over the earlier one for ever.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, bindparam, exists, func, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import KEY, Base, Database, Session, enum_of, table_of, try_lock

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
    REPLY_RECEIVED = "reply.received"
    REPLY_DETACHED = "reply.detached"
    REPLY_SETTLED = "reply.settled"
    REPLY_REOPENED = "reply.reopened"
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


Told = tuple[str, Mapping[str, Any]]


def publish_event(session: Session, kind: EventKind, subject: str, data: Mapping[str, Any], *, at: datetime) -> None:
    """Tell one event. `data` is what JSON holds, and names schools and authorities by their FASE numbers."""
    tell_all(session, kind, [(subject, data)], at=at)


def tell_all(session: Session, kind: EventKind, told: Iterable[Told], *, at: datetime) -> None:
    """Tell events of one kind and moment, each with its subject, in their order."""
    rows = [
        {"kind": kind, "subject": subject, "at": at, "data": json.dumps(data, ensure_ascii=False)}
        for subject, data in told
    ]
    if rows:
        session.execute(insert(table_of(Event)), rows)


SLICE = 2_000


def number_waiting(database: Database) -> int:
    """Number the events that wait, slice by slice, each in a short transaction; returns how many these were."""
    numbered = 0
    while True:
        with database.reading() as session:
            if not session.scalar(select(exists().where(Event.number.is_(None)))):
                return numbered
        with database.writing() as session:
            count = number(session)
        numbered += count
        if count < SLICE:
            return numbered


def number(session: Session, most: int = SLICE) -> int:
    """Give the next numbers to at most so many events, in the order in which they were written; returns to how many.

    To none while another process does it. The lock is held until these numbers are committed.
    """
    if not try_lock(session, "event-numbers"):
        return 0
    table = table_of(Event)
    waiting = session.scalars(select(table.c.id).where(table.c.number.is_(None)).order_by(table.c.id).limit(most)).all()
    if not waiting:
        return 0
    last = session.scalar(select(func.max(table.c.number))) or 0
    rows = [{"key": key, "next": last + place} for place, key in enumerate(waiting, 1)]
    session.execute(update(table).where(table.c.id == bindparam("key")).values(number=bindparam("next")), rows)
    return len(waiting)


PREFIX = "outreach."


def events_after(session: Session, number: int, most: int) -> Sequence[Event]:
    """At most so many events whose number is larger, in their order."""
    query = select(Event).where(Event.number > number).order_by(Event.number).limit(most)
    return session.scalars(query).all()


def last_event(session: Session) -> int:
    """The largest number; 0 before the first event."""
    return session.scalar(select(func.max(Event.number))) or 0


def cloud_event(event: Event, source: str) -> dict[str, Any]:
    """An event as programs read it. `source` is the service's own address."""
    return {
        "specversion": "1.0",
        "id": str(event.number),
        "source": source,
        "type": f"{PREFIX}{event.kind.value}",
        "subject": event.subject,
        "time": _time(event.at),
        "datacontenttype": "application/json",
        "data": json.loads(event.data),
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
