"""The audit: who did what to what and when, in sentences that are added and never changed.

The table has no foreign keys, so that an entry outlives its subject. Triggers in the database refuse to change or
delete a row (see the migrations).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session


class AuditEntry(Base):
    """One thing that somebody did. `subject` names what it was done to, as `kind:key`, or is empty."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(255))
    sentence: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(300), index=True)


def record(session: Session, now: datetime, actor: str, sentence: str, subject: str = "") -> AuditEntry:
    """Add an entry to the current transaction, so that it is committed exactly when the change is."""
    entry = AuditEntry(at=now, actor=actor, sentence=sentence, subject=subject)
    session.add(entry)
    return entry


def about(session: Session, subject: str) -> Sequence[AuditEntry]:
    """The entries about one subject, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    return session.scalars(query).all()


def latest(session: Session, subjects: Iterable[str], most: int) -> Sequence[AuditEntry]:
    """The last `most` entries about any of these subjects, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject.in_(list(subjects)))
    return session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(most)).all()
