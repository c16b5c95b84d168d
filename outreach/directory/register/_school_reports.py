"""Reports that a school left its authority, or closed, before the register says so: letters to it stop at once.

The register stays as it is: figures go on counting the school, and say beside how many are reported. The editions that
come after a report confirm or contradict it. Only who recorded it withdraws it; once an edition contradicts it,
anybody who writes campaigns may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    SQLColumnExpression,
    String,
    and_,
    exists,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from outreach.access import colleagues
from outreach.core import audit
from outreach.core.db import Base, Session, enum_of, take_lock
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.labelled import Labelled
from outreach.core.text.typed import line_of_words
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Ownership, RegisterImport, School
from outreach.directory.register._edition_imports import last_import
from outreach.directory.register._name_corrections import school_of

LONGEST = 200


class Fate(Labelled):
    """What became of a school, as somebody told the service."""

    GONE = "gone", "n’est plus à ce PO"
    CLOSED = "closed", "a fermé"


class ReportVerdict(StrEnum):
    """What the register says of a report: nothing yet, that the school is gone, or that the authority has it still."""

    AWAITED = "awaited"
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"


class SchoolReport(Base):
    """A report that a school of an authority is its school no longer, since a day; `source` said so."""

    __tablename__ = "school_reports"
    __table_args__ = (
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        Index(
            "uq_school_reports_standing",
            *("school_id", "authority_id"),
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), index=True)
    fate: Mapped[Fate] = mapped_column(enum_of(Fate, "fate"))
    since: Mapped[date]
    source: Mapped[str] = mapped_column(String(LONGEST))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(255))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(255))


@dataclass(frozen=True, slots=True)
class Reported:
    """A report with its school and authority, and what the register says: the verdict, and the edition that gave it."""

    report: SchoolReport
    school: School
    authority: Authority
    verdict: ReportVerdict
    edition: RegisterImport | None

    def may_withdraw(self, actor: str) -> bool:
        """Whether this person may withdraw it."""
        return self.report.recorded_by == actor or self.verdict is ReportVerdict.CONTRADICTED

    @property
    def register_says(self) -> str:
        """What the register says of it, in French."""
        edition = f"L’édition du registre du {french.day(self.edition.edition_on)}" if self.edition else "Le registre"
        match self.verdict:
            case ReportVerdict.AWAITED:
                return "Aucune édition du registre ne l’a encore confirmé ni contredit."
            case ReportVerdict.CONFIRMED:
                return f"{edition} le confirme."
            case ReportVerdict.CONTRADICTED:
                return f"{edition} le contredit : l’école y est encore à ce PO."


def is_reported(
    school: SQLColumnExpression[int],
    authority: SQLColumnExpression[int | None],
    day: date | None = None,
    known_at: datetime | None = None,
) -> ColumnElement[bool]:
    """True of a school and an authority, by their keys, of which a report stands.

    With `day`, one that holds since that day at the latest; with `known_at`, one that stood at that moment.
    """
    table = SchoolReport
    stands: ColumnElement[bool] = table.withdrawn_at.is_(None)
    if known_at is not None:
        stands = and_(table.recorded_at <= known_at, or_(stands, table.withdrawn_at > known_at))
    begun = () if day is None else (table.since <= day,)
    return (
        exists()
        .where(table.school_id == school, table.authority_id == authority, stands, *begun)
        .correlate_except(table)
    )


def report_school(
    session: Session,
    authority: Authority,
    fase: int,
    fate: Fate,
    *,
    day: date,
    source: str,
    now: datetime,
    today: date,
    actor: str,
) -> SchoolReport:
    """Record that the school with this FASE number is the authority's no longer: letters leave it out from now on.

    Raises InputError for a future day, or a source that is missing or too long; NotFound where the authority has no
    such school; Refused where a report stands already.
    """
    source = line_of_words(source)
    if day > today:
        raise InputError("La date est dans l’avenir : un départ se signale quand il a eu lieu.")
    if not source or len(source) > LONGEST:
        raise InputError("Dites qui l’a signalé, en 200 caractères au plus.")
    take_lock(session, "register")
    school = school_of(session, authority, fase)
    old = session.scalar(_standing(authority).where(SchoolReport.school_id == school.id))
    if old is not None:
        by = f"le {french.day(old.recorded_at)} par {colleagues.name_of(session, old.recorded_by)}"
        raise Refused(f"L’école {fase} est déjà signalée, {by} : les courriels l’omettent.")
    made = SchoolReport(school_id=school.id, authority_id=authority.id, fate=fate, since=day, source=source)
    made.recorded_at, made.recorded_by = now, actor
    session.add(made)
    session.flush()
    said = f"École {fase} signalée : elle {fate.label} depuis le {day:%d/%m/%Y}. Source : {source}."
    audit.record_entry(session, now, actor, f"{said} Les courriels l’omettent.", subject_of(authority))
    return made


def withdraw_report(session: Session, authority: Authority, fase: int, *, now: datetime, actor: str) -> SchoolReport:
    """Withdraw the report that stands of a school: letters name it again from now on.

    Raises NotFound where none stands, Refused where it is another person's to withdraw.
    """
    take_lock(session, "register")
    found = next((one for one in list_reports(session, authority) if one.school.fase == fase), None)
    if found is None:
        raise NotFound(f"Aucun signalement ne vaut pour l’école {fase} de ce pouvoir organisateur.")
    if not found.may_withdraw(actor):
        raise Refused(
            f"Ce signalement est de {colleagues.name_of(session, found.report.recorded_by)} : demandez-lui de "
            "l’annuler. Si une édition du registre le contredit, toute personne qui rédige le pourra."
        )
    found.report.withdrawn_at, found.report.withdrawn_by = now, actor
    session.flush()
    said = f"École {fase} : signalement annulé. Les courriels la citent de nouveau."
    audit.record_entry(session, now, actor, said, subject_of(authority))
    return found.report


def list_reports(session: Session, authority: Authority) -> Sequence[Reported]:
    """The reports that stand of an authority's schools, by name, each with what the register says of it."""
    return _judged(session, SchoolReport.authority_id == authority.id)


def of_school(session: Session, authority: Authority, school: School) -> Sequence[Reported]:
    """The report that stands of a school of an authority, if one does."""
    return [one for one in list_reports(session, authority) if one.school.id == school.id]


def contradicted_reports(session: Session) -> Sequence[Reported]:
    """The reports that stand against the last edition of the register: someone has to say which of the two is right."""
    return [one for one in _judged(session, _IS_OWNED) if one.verdict is ReportVerdict.CONTRADICTED]


def _standing(authority: Authority) -> Select[SchoolReport]:
    return select(SchoolReport).where(SchoolReport.authority_id == authority.id, SchoolReport.withdrawn_at.is_(None))


_PAIR = and_(Ownership.school_id == SchoolReport.school_id, Ownership.authority_id == SchoolReport.authority_id)
_IS_OWNED = exists().where(_PAIR, Ownership.current()).correlate(SchoolReport)
_ENDED_BY = (
    select(Ownership.closed_by)
    .where(_PAIR, Ownership.until.is_not(None), Ownership.undone_at.is_(None))
    .order_by(Ownership.id.desc())
    .limit(1)
    .correlate(SchoolReport)
    .scalar_subquery()
)


def _judged(session: Session, which: ColumnElement[bool]) -> list[Reported]:
    query = (
        select(SchoolReport, School, Authority, _IS_OWNED, _ENDED_BY)
        .join(School, School.id == SchoolReport.school_id)
        .join(Authority, Authority.id == SchoolReport.authority_id)
        .where(SchoolReport.withdrawn_at.is_(None), which)
        .order_by(School.folded, School.fase, Authority.fase)
    )
    found, rows = [], session.execute(query).all()
    last = last_import(session) if rows else None
    for made, school, authority, is_owned, ended_by in rows:
        edition = last if is_owned else session.get(RegisterImport, ended_by or 0)
        found.append(Reported(made, school, authority, *_verdict(made, edition, is_owned=is_owned)))
    return found


def _verdict(
    made: SchoolReport, edition: RegisterImport | None, *, is_owned: bool
) -> tuple[ReportVerdict, RegisterImport | None]:
    if not is_owned:
        return ReportVerdict.CONFIRMED, edition
    is_later = edition is not None and edition.applied_at is not None and edition.applied_at > made.recorded_at
    if edition is not None and is_later and edition.edition_on >= made.since:
        return ReportVerdict.CONTRADICTED, edition
    return ReportVerdict.AWAITED, None
