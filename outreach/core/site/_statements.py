"""The public statements that a service owes: data protection and accessibility, written in dated versions.

An administrator fills them in; the newest version of each stands on its public page. A version names who answers for
the service, such as its data protection officer, in the words that the public read. It is only added and stays: what
the page said on a day is what the service has to be able to show (article 5, paragraph 2, of the GDPR).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.french import number, spelt_day
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import is_forbidden

SHORT, LONG = 500, 3000
SUBJECT = "statements"  # of what the audit records about them
UNFINISHED = re.compile(r"\[[àa] compléter[^\]\n]*\]?", re.IGNORECASE)


class StatementKind(Labelled):
    """What a statement is about."""

    DATA_PROTECTION = "data-protection", "Protection des données"
    ACCESSIBILITY = "accessibility", "Accessibilité"


class Conformity(Labelled):
    """How far the pages keep to the rules of accessibility, as the service declares it."""

    FULL = "full", "totalement conforme"
    PARTIAL = "partial", "partiellement conforme"
    NONE = "none", "non conforme"


@dataclass(frozen=True, slots=True)
class StatementField:
    """A field of a statement: its name, its French label, what helps to fill it in, and its most characters."""

    name: str
    label: str
    help: str
    most: int = LONG


FIELDS: Mapping[StatementKind, Sequence[StatementField]] = {
    StatementKind.DATA_PROTECTION: (
        StatementField("controller", "Responsable du traitement", "Son nom et son adresse.", SHORT),
        StatementField(
            "officer", "Délégué à la protection des données", "Son nom ou sa fonction, et comment le joindre.", SHORT
        ),
        StatementField(
            "contact", "À qui demander", "Où exercer ses droits : un service, une adresse, un courriel.", SHORT
        ),
        StatementField(
            "processors",
            "Sous-traitants",
            "Qui traite ces données pour le service, et où. « Aucun » s’il n’y en a pas.",
        ),
    ),
    StatementKind.ACCESSIBILITY: (
        StatementField("method", "Comment le site a été évalué", "Par qui, quand, avec quels outils ou personnes."),
        StatementField(
            "defects", "Ce qui n’est pas accessible", "Les défauts connus, et par quoi les contourner ; un par ligne."
        ),
        StatementField("contact", "À qui signaler un problème", "Un service, une adresse, un courriel.", SHORT),
        StatementField("complaints", "Service des plaintes", "Celui de l’administration, et son adresse.", SHORT),
    ),
}
CONFORMITY = "conformity"  # the field of an accessibility statement that is chosen
FORMER = {"retention": "Combien de temps"}  # what versions of before `retention.toml` say


class PublicStatement(Base):
    """A version of a statement: its fields as JSON, the day that it bears, when and by whom it was written."""

    __tablename__ = "public_statements"
    __table_args__ = (Index("ix_public_statements_kind_id", "kind", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[StatementKind] = mapped_column(enum_of(StatementKind, "statement_kind"))
    content: Mapped[str] = mapped_column(Text)
    dated_on: Mapped[date]
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(255))

    @property
    def words(self) -> dict[str, str]:
        """Its fields by name."""
        words: dict[str, str] = json.loads(self.content)
        return words

    @property
    def in_words(self) -> list[tuple[str, str]]:
        """Its fields as people read them: the label and the words of each."""
        words = self.words
        if CONFORMITY in words:
            words[CONFORMITY] = self.conformity.label
        return [(label, words[name]) for name, label in (field_labels(self.kind) | FORMER).items() if name in words]

    @property
    def conformity(self) -> Conformity:
        """What an accessibility statement declares."""
        return Conformity(self.words[CONFORMITY])


def fit_field(field: StatementField, typed: str) -> str:
    """What was typed into a field, as it is kept: its lines without spaces around them.

    Raises InputError when it is empty, too long, holds a forbidden character, or is still to be completed.
    """
    lines = [line.strip() for line in typed.replace("\r\n", "\n").split("\n")]
    words = "\n".join(lines).strip()
    if not words:
        raise InputError(f"{field.label} : à remplir.")
    if len(words) > field.most:
        raise InputError(f"{field.label} : {number(field.most)} caractères au plus.")
    if any(map(is_forbidden, words)):
        raise InputError(f"{field.label} : un caractère interdit s’y trouve. Tapez-le à nouveau.")
    if found := UNFINISHED.search(words):
        raise InputError(f"{field.label} : remplacez « {found[0]} » par votre texte.")
    return words


def refuse_to_come(dated_on: date, *, now: datetime) -> None:
    """Raises InputError on a day after today: a page bears the day on which somebody read it over."""
    if dated_on > today(now):
        raise InputError("La date de la page est à venir : indiquez aujourd’hui au plus tard.")


def current_statement(session: Session, kind: StatementKind) -> PublicStatement | None:
    """The version that stands on the public page; None while nobody has filled it in."""
    return next(iter(statement_versions(session, kind, most=1)), None)


def statement_versions(session: Session, kind: StatementKind, *, most: int = 100) -> Sequence[PublicStatement]:
    """The versions of a statement, the newest first."""
    query = select(PublicStatement).where(PublicStatement.kind == kind).order_by(PublicStatement.id.desc())
    return session.scalars(query.limit(most)).all()


def missing_statements(session: Session) -> list[StatementKind]:
    """The statements that nobody has filled in."""
    written = set(session.scalars(select(PublicStatement.kind).distinct()))
    return [kind for kind in StatementKind if kind not in written]


def write_statement(
    session: Session,
    kind: StatementKind,
    words: Mapping[str, str],
    dated_on: date,
    *,
    now: datetime,
    actor: str,
    seen: int | None = None,
) -> bool:
    """Add a version of a statement, which stands at once. Returns False, adding nothing, when nothing differs.

    `words` are its fields by name. `seen` is the key of the version that was read before (0: none). Raises InputError
    as `fit_field` does, and on a day to come; Refused when another version holds by now.
    """
    kept = {field.name: fit_field(field, words.get(field.name, "")) for field in FIELDS[kind]}
    if kind is StatementKind.ACCESSIBILITY:
        kept[CONFORMITY] = Conformity(words[CONFORMITY]).value
    refuse_to_come(dated_on, now=now)
    take_lock(session, SUBJECT, kind)
    held = current_statement(session, kind)
    if seen is not None and seen != (held.id if held else 0):
        raise Refused(
            "Quelqu’un a changé cette page depuis que vous l’avez ouverte. La vôtre est encore ici : comparez."
        )
    before = held.words if held else {}
    changed = [label for name, label in field_labels(kind).items() if before.get(name) != kept[name]]
    if held and not changed and held.dated_on == dated_on:
        return False
    content = json.dumps(kept, ensure_ascii=False)
    session.add(PublicStatement(kind=kind, content=content, dated_on=dated_on, written_at=now, written_by=actor))
    session.flush()
    what = ", ".join(changed) if changed else "date"
    said = f"Page « {kind.label} » : nouvelle version, datée du {spelt_day(dated_on)} ({what})."
    audit.record_entry(session, now, actor, said, SUBJECT)
    return True


def field_labels(kind: StatementKind) -> dict[str, str]:
    """The French label of each field, by name, in the order of the page."""
    chosen = {CONFORMITY: "Conformité"} if kind is StatementKind.ACCESSIBILITY else {}
    return chosen | {field.name: field.label for field in FIELDS[kind]}
