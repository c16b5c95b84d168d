"""Calls: staff's notes of what was said with an authority outside the product.

A note is withdrawn, never deleted.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory.authorities._sheet import PastEvent
from outreach.directory.models import LONGEST_NOTE, LONGEST_PERSON, Authority, CallKind

BRUSSELS = ZoneInfo("Europe/Brussels")  # the time zone of all days


class Call(Base):
    """A note of what was said with an authority on a day; `person` spoke for the authority ('' = not noted)."""

    __tablename__ = "calls"
    __table_args__ = (CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    kind: Mapped[CallKind] = mapped_column(enum_of(CallKind, "call_kind"))
    day: Mapped[date]
    person: Mapped[str] = mapped_column(String(LONGEST_PERSON))
    note: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))


def record_call(
    session: Session,
    authority: Authority,
    text: str,
    *,
    kind: CallKind,
    day: date,
    person: str = "",
    now: datetime,
    today: date,
    actor: str,
) -> Call:
    """Record what was said. Raises InputError for a future day, an empty note, or a note or name that is too long."""
    if day > today:
        raise InputError("La date est dans l’avenir : un échange se note quand il a eu lieu.")
    if not text.strip() or len(text) > LONGEST_NOTE or len(person) > LONGEST_PERSON:
        raise InputError("Écrivez ce qui a été dit, en 2 000 caractères au plus.")
    noted = Call(
        authority_id=authority.id,
        kind=kind,
        day=day,
        person=person.strip(),
        note=text.strip(),
        recorded_at=now,
        recorded_by=actor,
    )
    session.add(noted)
    session.flush()
    audit.record_entry(session, now, actor, f"{_named(noted)}, PO {authority.fase} : noté.", _subject(noted))
    return noted


def withdraw_recorded_call(session: Session, authority: Authority, number: int, *, now: datetime, actor: str) -> Call:
    """Withdraw a note made by mistake; it stays visible, marked as withdrawn.

    Raises NotFound, or Refused when it is withdrawn already.
    """
    take_lock(session, "call", number)
    call = session.scalar(select(Call).where(Call.id == number, Call.authority_id == authority.id))
    if call is None:
        raise NotFound("Cet échange n’est pas noté pour ce pouvoir organisateur.")
    if call.withdrawn_at is not None:
        raise Refused("Cette note est déjà reprise.")
    call.withdrawn_at, call.withdrawn_by = now, actor
    audit.record_entry(session, now, actor, f"{_named(call)}, PO {authority.fase} : note reprise.", _subject(call))
    return call


def call_events(session: Session, authority: Authority) -> list[PastEvent]:
    """The calls of an authority, as events of its history."""
    query = select(Call).where(Call.authority_id == authority.id).order_by(Call.id)
    return [_event(call) for call in session.scalars(query)]


def _event(call: Call) -> PastEvent:
    """A call noted on its own day has the time of the note; one noted later has the end of its day."""
    midnight = datetime.combine(call.day, datetime.max.time(), BRUSSELS)
    spoken = f" avec {call.person}" if call.person else ""
    event = PastEvent(min(call.recorded_at, midnight), call.recorded_by, f"{call.kind.label}{spoken}.", day=call.day)
    if call.withdrawn_at:
        event.details.append(
            f"Noté par erreur : repris le {call.withdrawn_at.astimezone(BRUSSELS):%d/%m/%Y} par {call.withdrawn_by}."
        )
    else:
        event.call = call.id
    event.details += [line.strip() for line in call.note.splitlines() if line.strip()]
    return event


def _named(call: Call) -> str:
    return f"{call.kind.label} du {call.day:%d/%m/%Y}"


def _subject(call: Call) -> str:
    return f"call:{call.id}"
