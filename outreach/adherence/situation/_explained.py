"""A difference as people read it: its sentences, and the schools behind it, with what was recorded of each."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import and_, exists, or_, select

from outreach.adherence.models import AdherenceRecord, JoiningList, Programme, RecordWithdrawal, Strand
from outreach.adherence.programmes import of_programme
from outreach.adherence.situation._cells import (
    CONCERNED,
    OF_STATUS,
    Cause,
    Cell,
    Compared,
    Reading,
    SituationDifference,
)
from outreach.adherence.situation._difference import difference
from outreach.adherence.situation._situation import Bucket
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.tables import DATA, Column, InMemoryListing, Kind
from outreach.core.text import french
from outreach.directory.models import Authority, Nature, Ownership, RegisterChange, RegisterImport, RegisterKind, School


class ChosenList(NamedTuple):
    """Which cells are opened: of a group, of a figure (a status, or `CONCERNED`), by a cause, and of who came (1) or
    left (-1). What is empty means all."""

    group: str = ""
    figure: str = ""
    cause: Cause | None = None
    sign: int = 0


class Since(NamedTuple):
    """How many schools a figure of a strand has more (`sign` 1) or less (-1) than before."""

    programme: Programme
    strand: Strand
    figure: str
    sign: int
    number: int


class Telling(NamedTuple):
    """When the cause was recorded, by whom, and by which list or edition."""

    at: datetime | None = None
    by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class ChangedSchool:
    """A school of which a figure changed. `authority` is the last that has it, as far as the session sees it."""

    school: School
    authority: Authority | None
    cause: Cause
    before: str
    after: str
    record: Telling


COLUMNS: Sequence[Column[ChangedSchool]] = (
    Column("school_fase", "FASE de l’école", lambda row: row.school.fase, on=DATA),
    Column("school", "École", lambda row: row.school.display_name, sort=True),
    Column("fase", "FASE du PO", lambda row: row.authority and row.authority.fase, on=DATA),
    Column("name", "Pouvoir organisateur", lambda row: row.authority and row.authority.display_name, sort=True),
    Column("cause", "Cause", lambda row: row.cause, sort=True),
    Column("before", "Avant", lambda row: row.before, sort=True),
    Column("after", "Après", lambda row: row.after, sort=True),
    Column("told_at", "Enregistré le", lambda row: row.record.at, Kind.MOMENT, sort=True),
    Column("told_by", "Par", lambda row: row.record.by, Kind.PERSON, sort=True),
    Column("source", "Liste ou édition", lambda row: row.record.source, sort=True),
)


def figure_label(name: str) -> str:
    """What a figure is called: a status, or all schools that are concerned."""
    return "Écoles concernées" if name == CONCERNED else Bucket(name).label


def signed_count(count: int) -> str:
    """A number with its sign: « +3 », « −1 »."""
    return f"{'+' if count >= 0 else '−'}{french.number(abs(count))}"


def since(session: Session, programmes: Callable[[], Iterable[Programme]], before: Reading, today: date) -> list[Since]:
    """What has moved since a reading, of joinings and of the register, strand by strand.

    Only strands of which something was recorded since are compared, or all open ones after an edition of the register;
    `programmes` are asked for only then.
    """
    after, recorded = Reading(today), select(AdherenceRecord.strand_id)
    taken_back = recorded.join(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
    is_touched = or_(
        Strand.id.in_(recorded.where(AdherenceRecord.recorded_at > before.moment)),
        Strand.id.in_(taken_back.where(RecordWithdrawal.withdrawn_at > before.moment)),
        exists().where(RegisterImport.applied_at > before.moment),
    )
    touched = set(session.scalars(select(Strand.id).where(is_touched)))
    found = []
    for programme in programmes() if touched else ():
        for strand in programme.open_on(after.day):
            if strand.id in touched:
                totals = difference(session, Compared(programme, strand), before, after).totals
                for figure in (Bucket.JOINED.value, CONCERNED):
                    for side in (1, -1):
                        causes = totals[figure].causes.items()
                        count = sum(len(schools) for (_, sign), schools in causes if sign == side)
                        if count:
                            found.append(Since(programme, strand, figure, side, count))
    return found


def causes_in_words(cell: Cell) -> str:
    """Why a figure changed: « dit après coup +25, retiré −1 »."""
    return ", ".join(f"{cause.label} {signed_count(sign * len(some))}" for (cause, sign), some in cell.ordered())


def difference_sentences(found: SituationDifference, programme: str = "") -> list[str]:
    """A sentence for each figure of all groups in which schools came or left: both readings, and why they differ.

    `programme` is its name, where there are several.
    """
    whose = f", {found.compared.whose}" if found.compared.whose else ""
    strand = f"volet {found.compared.strand.number}{of_programme(programme)}{whose}"
    when = f"du {_said(found.before)} au {_said(found.after)}"
    said = []
    for name, cell in found.totals.items():
        if cell.causes:
            figures = f"{french.number(cell.before)} → {french.number(cell.after)}"
            said.append(f"{figure_label(name)}, {strand}, {when} : {figures} ({causes_in_words(cell)}).")
    return [french.typeset(one) for one in said or [f"Aucun chiffre n’a changé, {strand}, {when}."]]


def _said(one: Reading) -> str:
    known_then = f" (d’après ce qui était enregistré le {french.moment(one.known_at)})" if one.known_at else ""
    return f"{french.day(one.day)}{known_then}"


def list_changed_schools(
    session: Session, found: SituationDifference, chosen: ChosenList, *, text: str, sort: str, names: Mapping[str, str]
) -> InMemoryListing[ChangedSchool]:
    """The schools that a difference names in the chosen cells, one a row, in the order of the causes."""
    causes = _causes(_cells(found, chosen), chosen)
    schools = {one.fase: one for one in session.scalars(select(School).where(among(School.fase, causes)))}
    authorities = dict(
        session.execute(
            select(Ownership.school_id, Authority)
            .join(Authority, Authority.id == Ownership.authority_id)
            .where(among(Ownership.school_id, [one.id for one in schools.values()]))
            .order_by(Ownership.undone_at.is_(None), Ownership.id)
        ).all()
    )
    places, told = _Places(found), _tellings(session, found, causes)
    order = list(Cause)
    rows = [
        ChangedSchool(one, authorities.get(one.id), causes[fase], *places.of(fase), told.get(fase, Telling()))
        for fase, one in sorted(schools.items(), key=lambda each: (order.index(causes[each[0]]), each[0]))
    ]
    return InMemoryListing(title="Écoles qui changent", columns=COLUMNS, rows=rows, sort=sort, text=text, names=names)


def _cells(found: SituationDifference, chosen: ChosenList) -> Iterable[Cell]:
    if not chosen.group and chosen.figure:
        return [found.totals[chosen.figure]] if chosen.figure in found.totals else []
    if chosen.figure == CONCERNED:
        return [found.populations[chosen.group]] if chosen.group in found.populations else []
    return [
        cell
        for (group, bucket), cell in found.cells.items()
        if chosen.group in ("", group) and chosen.figure in ("", bucket)
    ]


def _causes(cells: Iterable[Cell], chosen: ChosenList) -> dict[int, Cause]:
    """The first cause of each school of these cells, by its FASE number."""
    every = [one for cell in cells for one in cell.ordered()]
    every.sort(key=lambda one: list(Cause).index(one[0][0]))
    causes: dict[int, Cause] = {}
    for (cause, sign), schools in every:
        if chosen.cause in (None, cause) and chosen.sign in (0, sign):
            for fase in schools:
                if fase is not None:
                    causes.setdefault(fase, cause)
    return causes


class _Places:
    """What each school was and became: its status, and its group where that is another."""

    def __init__(self, found: SituationDifference) -> None:
        self.labels = found.labels
        self.sides: dict[int, dict[int, set[tuple[str, str]]]] = defaultdict(lambda: {-1: set(), 1: set()})
        for place, cell in found.cells.items():
            for (_, sign), schools in cell.causes.items():
                for fase in schools:
                    if fase is not None:
                        self.sides[fase][sign].add(place)

    def of(self, fase: int) -> tuple[str, str]:
        sides = self.sides[fase]
        groups = [{group for group, _ in sides[sign]} for sign in (-1, 1)]
        before, after = (
            ", ".join(
                figure_label(bucket)
                if groups[0] == groups[1]
                else f"{self.labels[group]} : {figure_label(bucket).lower()}"
                for group, bucket in sorted(sides[sign])
            )
            for sign in (-1, 1)
        )
        return before, after


def _tellings(session: Session, found: SituationDifference, causes: Mapping[int, Cause]) -> dict[int, Telling]:
    """What was recorded of each school, by its FASE number: an edition of the register, or a record."""
    of_register = [fase for fase, cause in causes.items() if cause not in OF_STATUS]
    told = _of_editions(session, found, of_register) if of_register else {}
    keys = {found.records[fase]: fase for fase, cause in causes.items() if cause in OF_STATUS and fase in found.records}
    query = (
        select(AdherenceRecord, RecordWithdrawal, JoiningList.received_at)
        .outerjoin(RecordWithdrawal, RecordWithdrawal.record_id == AdherenceRecord.id)
        .outerjoin(JoiningList, JoiningList.id == AdherenceRecord.list_id)
        .where(among(AdherenceRecord.id, keys))
    )
    for record, withdrawal, received_at in session.execute(query) if keys else ():
        fase = keys[record.id]
        at, by = record.recorded_at, record.recorded_by
        if withdrawal and causes[fase] in (Cause.TAKEN_BACK, Cause.LIST_UNDONE):
            at, by = withdrawal.withdrawn_at, withdrawal.withdrawn_by
        source = f"liste d’adhésions reçue le {french.moment(received_at)}" if received_at else record.source
        told[fase] = Telling(at, by, source)
    return told


def _of_editions(session: Session, found: SituationDifference, schools: Sequence[int]) -> dict[int, Telling]:
    """The last edition applied or undone between the two readings that says what a school is, or where it stands."""
    early, late = sorted((found.before, found.after), key=lambda one: one.moment)
    first, last = sorted((found.before.day, found.after.day))
    counts = or_(RegisterChange.nature != Nature.CHANGED, RegisterChange.field.in_(("types", "zone")))
    was_undone = and_(RegisterImport.undone_at > early.moment, RegisterImport.undone_at <= late.moment)
    is_later = or_(RegisterImport.applied_at > early.moment, RegisterImport.edition_on > first)
    query = (
        select(RegisterChange.fase, RegisterImport)
        .join(RegisterImport, RegisterImport.id == RegisterChange.import_id)
        .where(RegisterChange.kind == RegisterKind.SCHOOL, among(RegisterChange.fase, schools), counts)
        .where(RegisterImport.applied_at <= late.moment, RegisterImport.edition_on <= last, or_(was_undone, is_later))
        .order_by(RegisterChange.id)
    )
    values = {}
    for fase, one in session.execute(query):
        source = f"édition du registre du {french.day(one.edition_on)}"
        if one.undone_at is None or one.undone_at > late.moment:
            values[fase] = Telling(one.applied_at, one.applied_by or "", source)
        elif one.applied_at and one.applied_at <= early.moment:
            values[fase] = Telling(one.undone_at, one.undone_by or "", f"{source}, annulée")
    return values
