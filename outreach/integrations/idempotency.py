"""What programs wrote lately: each under a name of its own, so that the same one sent again is answered as before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, take_lock
from outreach.core.text.errors import Refused

LONGEST_NAME = 255
MOST, WINDOW = 60, timedelta(hours=1)
KEPT = timedelta(hours=24)


class IdempotentRequest(Base):
    """A write of a program: its name (`Idempotency-Key`), the digest of its body, and what was answered, as JSON.

    The row goes after a day.
    """

    __tablename__ = "api_writes"
    __table_args__ = (UniqueConstraint("key_id", "name"), Index("ix_api_writes_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    body: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class NamedWrite:
    """A write that a program asks for: by which key, under which name, and the digest of its body."""

    key: int
    name: str
    body: str


def take_turn(session: Session, asked: NamedWrite) -> None:
    """Wait until no other write of the key is under way: the same one, sent twice at once, is done once."""
    take_lock(session, "api-writes", asked.key)


def answered(session: Session, asked: NamedWrite, *, now: datetime) -> str | None:
    """What the same write was answered within a day, or None. Raises Refused where its name had another body."""
    found = session.scalar(
        select(IdempotentRequest).where(IdempotentRequest.key_id == asked.key, IdempotentRequest.name == asked.name)
    )
    if found is None:
        return None
    if found.body != asked.body:
        raise Refused("Cet « Idempotency-Key » a déjà servi pour un autre envoi : donnez-en un nouveau à chaque envoi.")
    return found.answer if found.at > now - KEPT else None


def keep(session: Session, asked: NamedWrite, answer: str, *, now: datetime) -> None:
    """Keep what a write was answered."""
    found = session.scalar(
        select(IdempotentRequest).where(IdempotentRequest.key_id == asked.key, IdempotentRequest.name == asked.name)
    )
    if found is None:
        found = IdempotentRequest(key_id=asked.key, name=asked.name, body=asked.body)
        session.add(found)
    found.answer, found.at = answer, now


def left(session: Session, key: int, *, now: datetime) -> tuple[int, int]:
    """How many writes a key has left in this hour, and in how many seconds there is one more."""
    lately = IdempotentRequest.key_id == key, IdempotentRequest.at > now - WINDOW
    count, first = session.execute(select(func.count(), func.min(IdempotentRequest.at)).where(*lately)).one()
    until = (first + WINDOW if first else now + WINDOW) - now
    return MOST - count, max(1, round(until.total_seconds()))
