"""The audit: who did what to what, when and by which way, in sentences that are added and never changed.

The table has no foreign keys, so that an entry outlives its subject. Triggers in the database refuse to change or
delete a row (see the migrations), with one exception: retention may empty the sentence of an entry that is sealed
(`seals.erase_words`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session, enum_of
from outreach.db.ways import Way, system_user

ERASED = "effacé"
PROGRAM = "api_key:"  # begins an actor that is a program, which has the key of this number
SENDER = "hook:"  # begins an actor that is a service which sends joinings by itself
MAILBOX = "mailbox:"  # begins an actor that is the mailbox of an authority: records outlive its address


class AuditEntry(Base):
    """One thing that somebody did. `subject` names what it was done to, as `kind:key`, or is empty.

    `way` is None for entries from before it was recorded. `run_by` is the system user who ran a command on the machine.
    """

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(255))
    sentence: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(300), index=True)
    way: Mapped[Way | None] = mapped_column(enum_of(Way, "way"))
    run_by: Mapped[str | None] = mapped_column(String(255))

    @property
    def told(self) -> str:
        """The sentence, or a word that says that it was erased."""
        return self.sentence or ERASED


def record(session: Session, now: datetime, actor: str, sentence: str, subject: str = "") -> AuditEntry:
    """Add an entry to the current transaction, so that it is committed exactly when the change is.

    The session says by which way it came (`Database.by`), so no caller can forget it.
    """
    way = session.info.get("way", Way.COMMAND)
    user = system_user() if way is Way.COMMAND else None
    entry = AuditEntry(at=now, actor=actor, sentence=sentence, subject=subject, way=way, run_by=user)
    session.add(entry)
    return entry


def mailbox(number: int) -> str:
    """How records name the mailbox of a contact that acted."""
    return f"{MAILBOX}{number}"


def about(session: Session, subject: str) -> Sequence[AuditEntry]:
    """The entries about one subject, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    return session.scalars(query).all()


def latest(session: Session, subjects: Iterable[str], most: int) -> Sequence[AuditEntry]:
    """The last `most` entries about any of these subjects, newest first."""
    query = select(AuditEntry).where(AuditEntry.subject.in_(list(subjects)))
    return session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(most)).all()
