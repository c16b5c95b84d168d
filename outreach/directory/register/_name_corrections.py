"""Corrections of names: what a person wrote instead of the name that pages and letters would show.

The register's name stays beside it, and imports compare that one. A correction is withdrawn, never deleted. It holds
while the register spells the name as it did then; after that the name is asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Select, String, select, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.typed import line_of_words
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Ownership, RegisterKind, School
from outreach.directory.reference import searched

LONGEST = 200
_IN_FORCE = text("withdrawn_at IS NULL")
_TABLES: dict[RegisterKind, type[Authority] | type[School]] = {
    RegisterKind.AUTHORITY: Authority,
    RegisterKind.SCHOOL: School,
}


class NameCorrection(Base):
    """A person's name for an authority or a school, and the register's name that it stands for.

    Its FASE number names the authority or school, as undoing an edition may delete that row. It holds the e-mail
    addresses of staff and no other personal data; it is kept as long as the directory, like the audit of it.
    """

    __tablename__ = "name_corrections"
    __table_args__ = (
        Index(
            "uq_name_corrections_in_force",
            *("kind", "fase"),
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RegisterKind] = mapped_column(enum_of(RegisterKind, "kind"))
    fase: Mapped[int]
    register_name: Mapped[str] = mapped_column(String(LONGEST))
    corrected_name: Mapped[str] = mapped_column(String(LONGEST))
    corrected_at: Mapped[datetime]
    corrected_by: Mapped[str] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A correction that no longer holds, as the register changed the name; `owner` is the authority's FASE number."""

    correction: NameCorrection
    name: str
    owner: int


def name_correction(session: Session, named: Authority | School) -> NameCorrection | None:
    """The correction that nobody withdrew; it holds while its `register_name` is the register's name."""
    return session.scalar(_standing(kind_of(named)).where(NameCorrection.fase == named.fase))


def school_of(session: Session, authority: Authority, fase: int) -> School:
    """The school with this FASE number that the authority runs today. Raises NotFound."""
    query = select(School).join(Ownership, Ownership.school_id == School.id)
    school = session.scalar(
        query.where(Ownership.authority_id == authority.id, Ownership.current(), School.fase == fase)
    )
    if school is None:
        raise NotFound(f"Ce pouvoir organisateur n’a pas d’école au numéro FASE {fase}.")
    return school


def correct_name(session: Session, named: Authority | School, words: str, *, now: datetime, actor: str) -> None:
    """Show these words as the name from now on, in place of an earlier correction.

    Raises InputError when they are none, too long, not one line of words, or shown already.
    """
    take_lock(session, "register")
    session.refresh(named)
    words = line_of_words(words)
    if not words or len(words) > LONGEST:
        raise InputError("Écrivez le nom, en 200 caractères au plus.")
    old = name_correction(session, named)
    if words == named.display_name and (old is None or old.register_name == named.name):
        raise InputError("C’est déjà le nom affiché.")
    _end(session, old, now, actor)
    names = {"register_name": named.name, "corrected_name": words}
    key = {"kind": kind_of(named), "fase": named.fase}
    session.add(NameCorrection(**key, **names, corrected_at=now, corrected_by=actor))
    before = named.display_name
    _show(named, words)
    said = f"Nom corrigé : « {before} » devient « {words} »."
    audit.record_entry(session, now, actor, told_of(named, said), subject_in_history(session, named))


def withdraw_name(session: Session, named: Authority | School, *, now: datetime, actor: str) -> None:
    """Show the register's name in display case again. Raises NotFound when no correction stands."""
    take_lock(session, "register")
    session.refresh(named)
    old = name_correction(session, named)
    if old is None:
        raise NotFound("Ce nom n’a pas de correction.")
    _end(session, old, now, actor)
    _show(named, None)
    said = f"Correction du nom « {old.corrected_name} » annulée."
    audit.record_entry(session, now, actor, told_of(named, said), subject_in_history(session, named))


def settle(session: Session, *, now: datetime, actor: str) -> None:
    """Let corrections hold for the names that the register now spells as they say, and for no others.

    For whoever has just changed names of the register. A few statements, however many names changed.
    """
    for kind, table in _TABLES.items():
        standing = {row.fase: row for row in session.scalars(_standing(kind))}
        query = select(table).where(table.fase.in_(standing)).execution_options(populate_existing=True)
        records: Sequence[Any] = session.scalars(query).all()
        for named in records:
            correction = standing[named.fase]
            holds = correction.register_name == named.name
            if named.corrected_name and not holds:
                said = f"Nom corrigé à revoir : le registre dit maintenant « {named.name} »."
                audit.record_entry(session, now, actor, told_of(named, said), subject_in_history(session, named))
            _show(named, correction.corrected_name if holds else None)
    session.flush()


def asked_again(session: Session) -> Sequence[AskedAgain]:
    """The corrections that no longer hold, of authorities and schools that stand in the register, oldest first."""
    found = []
    for kind, table in _TABLES.items():
        owned = Ownership.authority_id == Authority.id if table is Authority else Ownership.school_id == School.id
        query = select(NameCorrection, table.name, Authority.fase).where(
            *(NameCorrection.kind == kind, NameCorrection.withdrawn_at.is_(None), NameCorrection.fase == table.fase),
            *(NameCorrection.register_name != table.name, owned, Ownership.current()),
            Ownership.authority_id == Authority.id,
        )
        found += [AskedAgain(*row) for row in session.execute(query.distinct())]
    return sorted(found, key=lambda asked: asked.correction.id)


def _standing(kind: RegisterKind) -> Select[NameCorrection]:
    return select(NameCorrection).where(NameCorrection.kind == kind, NameCorrection.withdrawn_at.is_(None))


def _show(named: Authority | School, corrected: str | None) -> None:
    named.corrected_name = corrected
    named.folded = searched(named.name, named.fase, named.locality, named.municipality, corrected)


def _end(session: Session, old: NameCorrection | None, now: datetime, actor: str) -> None:
    if old is not None:
        old.withdrawn_at, old.withdrawn_by = now, actor
        session.flush()


def kind_of(named: Authority | School) -> RegisterKind:
    """Whether it is an authority or a school."""
    return RegisterKind.AUTHORITY if isinstance(named, Authority) else RegisterKind.SCHOOL


def told_of(named: Authority | School, said: str) -> str:
    """The sentence as its history tells it: an authority's history also tells of its schools."""
    return said if isinstance(named, Authority) else f"École {named.fase}. {said}"


def subject_in_history(session: Session, named: Authority | School) -> str:
    """The history that tells it: that of the authority which runs the school today."""
    if isinstance(named, Authority):
        return subject_of(named)
    query = select(Authority).join(Ownership, Ownership.authority_id == Authority.id)
    owner = session.scalar(query.where(Ownership.school_id == named.id, Ownership.current()))
    return subject_of(owner) if owner else f"school:{named.fase}"
