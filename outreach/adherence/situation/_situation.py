"""Counts the situation of a programme on a day: schools by network (or zone, …), strand and status.

One function feeds page, export and command. `known_at` asks for what was known at a moment, as in
`standing_of_schools`; without it, all that is known now. A strand that is not open yet has no figures, and no rows.
Letters lie above this room, so that `listed` hands down the schools that letters had listed: a query with the columns
school_id and strand_id (`outbox.listed_schools`). It divides the schools without an answer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Row, Select, Subquery, case, func, literal, select

from outreach.access import scopes
from outreach.access.scopes import AccessScope
from outreach.adherence import programmes, statuses
from outreach.adherence.models import Programme, RollUp, Status, Strand, Word
from outreach.adherence.situation._grouping import Grouping, Groups, groups
from outreach.adherence.situation._standing import all_eligible, joinings, rolled_up, standing_of_schools
from outreach.adherence.statuses import CLOSED_TO_REMINDERS, Meaning, StatusFacts
from outreach.core.db import Session
from outreach.core.db.bulk import hash_in_scope
from outreach.core.tables import Column, QueryListing
from outreach.core.text import french
from outreach.core.text.dates import evenly_spaced
from outreach.directory.authorities import BY_NAME, narrow_by_name
from outreach.directory.models import Authority, Network, School
from outreach.directory.register import is_reported

CURVE_POINTS = 26
Listed = Select[int, int | None]
SchoolRow = Row[School, Authority, Status, Word | None, date | None, bool | None]
AuthorityRow = Row[Authority, RollUp, int, int]


class Bucket(StrEnum):
    """What a school counts as in a strand: its status, but that a joining declared by the authority counts apart.

    The four that rules name are written out; every other status stands between them.
    """

    JOINED = Status.JOINED.value
    DECLARED = "declared"
    locals().update({one.name: one.value for one in Status if one not in {*CLOSED_TO_REMINDERS, Status.NONE}})
    NOT_CONCERNED = Status.NOT_CONCERNED.value
    NONE = Status.NONE.value

    @property
    def facts(self) -> StatusFacts:
        """Its words, and what it means."""
        return statuses.DECLARED if self is Bucket.DECLARED else Status(self.value).facts

    @property
    def label(self) -> str:
        """The French label."""
        return self.facts.label


class Solicitation(StrEnum):
    """Of the schools without an answer (`Bucket.NONE`): whether a letter about the strand had listed the school."""

    SOLICITED = "solicited"
    UNSOLICITED = "unsolicited"

    @property
    def facts(self) -> StatusFacts:
        """Its words."""
        return _PARTS_OF_NONE[self]

    @property
    def label(self) -> str:
        """The French label."""
        return self.facts.label


def buckets_of(meaning: Meaning) -> list[Bucket]:
    """The buckets that come down to a meaning."""
    return [bucket for bucket in Bucket if bucket.facts.meaning is meaning]


_PARTS_OF_NONE = {
    Solicitation.SOLICITED: StatusFacts(
        "Sollicitée, sans réponse",
        Meaning.NONE,
        "Sans réponse, alors qu’un courriel d’une campagne sur le volet, parti et non revenu, la citait.",
        ("a été sollicitée et n’a pas répondu", "ont été sollicitées et n’ont pas répondu"),
    ),
    Solicitation.UNSOLICITED: StatusFacts(
        "Pas encore sollicitée",
        Meaning.NONE,
        "Sans réponse, et aucun courriel d’une campagne sur le volet ne l’a encore citée.",
        ("n’a pas encore été sollicitée", "n’ont pas encore été sollicitées"),
    ),
}


@dataclass(slots=True)
class SituationRow:
    """A group, or the total (code None): its authorities and schools over all open strands, the schools of each open
    strand by bucket, and the authorities of each.

    `silent` divides the schools without an answer, by strand; it is empty where no letters were handed down. `reported`
    counts the schools of a strand that are reported as gone or closed, and counted as long as the register has them.
    """

    code: str | None
    label: str
    authorities: int = 0
    schools: int = 0
    strands: dict[int, dict[Bucket, int]] = field(default_factory=dict)
    strand_authorities: dict[int, int] = field(default_factory=dict)
    silent: dict[int, dict[Solicitation, int]] = field(default_factory=dict)
    reported: dict[int, int] = field(default_factory=dict)

    def figures(self, strand: int) -> dict[str, int]:
        """The schools of a strand by the name of each figure. « none » is the sum of its two parts."""
        pairs: list[tuple[StrEnum, int]] = [*self.strands[strand].items(), *self.silent.get(strand, {}).items()]
        return {name.value: count for name, count in pairs}

    def open_to(self, strand: int) -> int:
        """How many schools a strand is open to, including those recorded as not concerned."""
        return sum(self.strands[strand].values())

    def base(self, strand: int) -> int:
        """How many schools the strand concerns; shares are taken of this number."""
        return self.open_to(strand) - self.strands[strand][Bucket.NOT_CONCERNED]

    def share(self, strand: int, bucket: Bucket) -> float:
        """The share of a bucket in the base, between 0 and 1; 0 where nobody is concerned."""
        base = self.base(strand)
        return self.strands[strand][bucket] / base if base else 0.0


@dataclass(slots=True)
class Situation:
    """The situation at the end of a day, Brussels: the total, then each group that has an eligible school.

    `known_at` is the moment whose knowledge it shows; None = that of now. `openings` has the strands that are not open
    yet, by number, each with the day of its opening: no row has figures of these. `scope`: whose members alone count.
    `programme`: its name where several are loaded, '' otherwise.
    """

    as_of: date
    known_at: datetime | None
    by: Grouping
    total: SituationRow
    rows: list[SituationRow]
    openings: dict[int, date] = field(default_factory=dict)
    scope: AccessScope | None = None
    programme: str = ""

    def among(self, codes: Collection[str]) -> "Situation":
        """The same situation with the rows of these groups only; the total stays that of all. No code: all rows."""
        return replace(self, rows=[row for row in self.rows if not codes or row.code in codes])

    def as_json(self) -> dict[str, Any]:
        """The situation as JSON, under fixed names: the rows stand under "networks", "zones", …

        A strand that is not open yet has the day of its opening, null for each figure; `counted`: whose members alone.
        """
        return {
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat() if self.known_at else None,
            "counted": scopes.authorities_in_words(self.scope) or None,
            "total": _row_json(self.total, self),
            f"{self.by.value}s": [_row_json(row, self) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Which schools a figure counts: of a strand, a bucket and a group (its code), of all without them.

    A `solicitation` is a part of the bucket NONE, and needs `listed`. A `meaning` has all buckets that come down to it.
    """

    strand: int
    bucket: Bucket | None = None
    group: str = ""
    by: Grouping = Grouping.NETWORK
    known_at: datetime | None = None
    solicitation: Solicitation | None = None
    listed: Listed | None = field(default=None, compare=False)
    meaning: Meaning | None = None

    @property
    def label(self) -> str:
        """What the schools are called in a title."""
        if self.meaning:
            return french.initial(french.either(one.label.lower() for one in buckets_of(self.meaning)))
        named = self.solicitation or self.bucket
        return named.label if named else "Écoles concernées"

    @property
    def network(self) -> str:
        """The code of the network the figure is about; '' for all, or where schools are grouped otherwise."""
        return self.group if self.by is Grouping.NETWORK else ""


def count_situation(
    session: Session,
    programme: Programme,
    day: date,
    *,
    known_at: datetime | None = None,
    by: Grouping = Grouping.NETWORK,
    listed: Listed | None = None,
    networks: Collection[str] = (),
) -> Situation:
    """Count every eligible school once per open strand, by group: those of all networks, or of some by their codes."""
    openings = {strand.number: strand.opened_on for strand in programme.strands if not strand.is_open(day)}
    opened = programme.open_on(day)
    of = scopes.of_session(session), programmes.name_among_several(session, programme)
    if not opened:
        return Situation(day, known_at, by, _total([], opened), [], openings, *of)
    hash_in_scope(session)
    grouped = groups(session, by, opened, day, known_at, networks)
    rows = {
        code: SituationRow(code, label, strands=_empty(opened), silent=_no_silent(opened, listed))
        for code, label in grouped.labels.items()
    }
    numbers = {strand.id: strand.number for strand in opened}
    for code, strand_id, bucket, count, solicited, reported in session.execute(_buckets(grouped, listed)):
        rows[code].strands[numbers[strand_id]][Bucket(bucket)] = count
        rows[code].reported[numbers[strand_id]] = rows[code].reported.get(numbers[strand_id], 0) + reported
        if bucket == Bucket.NONE and listed is not None:
            parts = {Solicitation.SOLICITED: solicited, Solicitation.UNSOLICITED: count - solicited}
            rows[code].silent[numbers[strand_id]] = parts
    for code, *counted in session.execute(_bases(grouped)):
        _fill(rows[code], counted, opened)
    shown = [row for row in rows.values() if row.schools]
    total = _total(shown, opened)
    total.silent = total.silent or _no_silent(opened, listed)  # where no school is concerned
    if not by.is_partition:
        _count_once(session, total, grouped)
    return Situation(day, known_at, by, total, shown, openings, *of)


def joining_curve(
    session: Session, programme: Programme, day: date, *, known_at: datetime | None = None
) -> list[tuple[date, dict[int, int]]]:
    """Confirmed joinings of each strand (by number) on evenly spaced days from the first opening to `day`.

    On a day before its opening a strand has no number. There is no point where none is open yet.
    """
    opened = programme.open_on(day)
    if not opened:
        return []
    days = evenly_spaced(min(strand.opened_on for strand in opened), day, CURVE_POINTS)
    points = {point: {strand.number: 0 for strand in programme.open_on(point)} for point in days}
    numbers = {strand.id: strand.number for strand in opened}
    for point, strand_id, count in session.execute(joinings(days, opened, known_at)):
        if numbers[strand_id] in points[point]:
            points[point][numbers[strand_id]] = count
    return sorted(points.items())


def list_situation_schools(
    session: Session,
    programme: Programme,
    day: date,
    selection: Selection,
    *,
    columns: Sequence[Column[SchoolRow]] = (),
    text: str = "",
    sort: str = "",
) -> QueryListing[SchoolRow]:
    """The schools a figure counts, by name: rows of School, Authority, status, word, effective_on, and is_solicited:
    whether a letter had listed it, NULL where the selection has no `listed`. Its keys are those of their authorities.
    `text` is searched in the names, numbers and places of schools and authorities.
    """
    query = _schools(session, programme, day, selection)
    return QueryListing(
        title="Écoles",
        columns=columns,
        sort=sort,
        usual="school",
        session=session,
        query=narrow_by_name(query, text, School.folded, Authority.folded),
        order=(School.folded, School.fase),
        key=Authority.id,
    )


def list_situation_authorities(
    session: Session,
    programme: Programme,
    day: date,
    selection: Selection,
    *,
    columns: Sequence[Column[AuthorityRow]] = (),
    text: str = "",
    sort: str = "",
) -> QueryListing[AuthorityRow]:
    """The authorities that run a school of the group that a figure's strand is open to, by name: rows of Authority,
    roll_up, concerned, joined (in schools). They stand where their schools of the group do. `text` is searched as in
    `list_situation_schools`.
    """
    query = _authorities(session, programme, day, selection)
    return QueryListing(
        title="Pouvoirs organisateurs",
        columns=columns,
        sort=sort,
        usual="name",
        session=session,
        query=narrow_by_name(query, text),
        order=BY_NAME,
        key=Authority.id,
    )


def _empty(strands: Sequence[Strand]) -> dict[int, dict[Bucket, int]]:
    return {strand.number: dict.fromkeys(Bucket, 0) for strand in strands}


def _no_silent(strands: Sequence[Strand], listed: Listed | None) -> dict[int, dict[Solicitation, int]]:
    return {} if listed is None else {strand.number: dict.fromkeys(Solicitation, 0) for strand in strands}


def _is_solicited(rows: Subquery, listed: Listed | None) -> ColumnElement[bool | None]:
    """Whether a letter had listed a school that has no answer; each costs a look into an index."""
    if listed is None:
        return literal(None, Boolean)
    school, strand = listed.selected_columns
    theirs = listed.where(school == rows.c.school_id, strand == rows.c.strand_id).correlate(rows)
    return case((rows.c.status == Status.NONE, theirs.exists()), else_=None)


def _bucket(rows: Subquery) -> ColumnElement[str]:
    declared = (rows.c.status == Status.JOINED) & (rows.c.word == Word.DECLARED)
    return case((declared, Bucket.DECLARED.value), else_=rows.c.status)


def _buckets(grouped: Groups, listed: Listed | None) -> Select[*tuple[Any, ...]]:
    rows = standing_of_schools(grouped.day, grouped.strands, grouped.known_at)
    bucket = _bucket(rows).label("bucket")
    solicited = func.sum(case((_is_solicited(rows, listed), 1), else_=0))
    is_gone = is_reported(rows.c.school_id, rows.c.authority_id, grouped.day, grouped.known_at)
    counts = func.count(), solicited, func.sum(case((is_gone, 1), else_=0))
    query = select(grouped.code.label("code"), rows.c.strand_id, bucket, *counts).select_from(rows)
    return grouped.joined(query.where(grouped.counts(rows)), rows).group_by("code", rows.c.strand_id, bucket)


def _bases(grouped: Groups) -> Select[*tuple[Any, ...]]:
    rows = all_eligible([grouped.day], grouped.strands, grouped.known_at)
    query = select(grouped.code.label("code"), *_counts(rows, grouped.strands)).select_from(rows)
    return grouped.joined(query.where(grouped.counts(rows)), rows).group_by("code")


def _counts(rows: Subquery, strands: Sequence[Strand]) -> list[ColumnElement[int]]:
    """Authorities and schools, each once, then the authorities of each strand where there are several."""
    several = strands if len(strands) > 1 else ()
    of_each = [case((rows.c.strand_id == strand.id, rows.c.authority_id)) for strand in several]
    return [func.count(key.distinct()) for key in (rows.c.authority_id, rows.c.school_id, *of_each)]


def _fill(row: SituationRow, counted: Sequence[int], strands: Sequence[Strand]) -> None:
    """Put what `_counts` counted into a row."""
    row.authorities, row.schools, *of_each = counted
    numbers = [strand.number for strand in strands]
    row.strand_authorities.update(zip(numbers, of_each or [row.authorities], strict=True))


def _count_once(session: Session, total: SituationRow, grouped: Groups) -> None:
    """Count in the total each authority and school once that stands in several groups."""
    rows = all_eligible([grouped.day], grouped.strands, grouped.known_at)
    counted = session.execute(select(*_counts(rows, grouped.strands)).where(grouped.counts(rows))).one()
    _fill(total, counted, grouped.strands)


def _schools(session: Session, programme: Programme, day: date, selection: Selection) -> Select[*tuple[Any, ...]]:
    hash_in_scope(session)
    strand = programme.strand(selection.strand)
    rows = standing_of_schools(day, [strand], selection.known_at)
    is_solicited = _is_solicited(rows, selection.listed)
    query = (
        select(School, Authority, rows.c.status, rows.c.word, rows.c.effective_on, is_solicited.label("is_solicited"))
        .select_from(rows)
        .join(School, School.id == rows.c.school_id)
        .join(Authority, Authority.id == rows.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .where(literal(strand.is_open(day)))
    )
    if selection.bucket:
        query = query.where(_bucket(rows) == selection.bucket.value)
    if selection.meaning:
        query = query.where(_bucket(rows).in_(buckets_of(selection.meaning)))
    if selection.solicitation:
        query = query.where(is_solicited.is_(selection.solicitation is Solicitation.SOLICITED))
    if not selection.group:
        return query
    grouped = groups(session, selection.by, [strand], day, selection.known_at)
    if selection.by is Grouping.FEDERATION:
        query = grouped.with_federation(query, rows)
    return query.where(grouped.code == selection.group)


def _authorities(session: Session, programme: Programme, day: date, selection: Selection) -> Select[*tuple[Any, ...]]:
    strand = programme.strand(selection.strand)
    of_group = None
    if selection.group:
        asked = replace(selection, bucket=None, solicitation=None, meaning=None)
        of_group = _schools(session, programme, day, asked).with_only_columns(School.id)
    rows = rolled_up(day, [strand], selection.known_at, of_group)
    query = select(Authority, rows.c.roll_up, rows.c.concerned, rows.c.joined).join(Authority.network)
    return query.join(rows, rows.c.authority_id == Authority.id).where(literal(strand.is_open(day)))


def _total(rows: Sequence[SituationRow], strands: Sequence[Strand]) -> SituationRow:
    total = SituationRow(None, "Total", sum(r.authorities for r in rows), sum(r.schools for r in rows), _empty(strands))
    for number, buckets in total.strands.items():
        for bucket in buckets:
            buckets[bucket] = sum(row.strands[number][bucket] for row in rows)
        total.reported[number] = sum(row.reported.get(number, 0) for row in rows)
        total.strand_authorities[number] = sum(row.strand_authorities.get(number, 0) for row in rows)
        if any(row.silent for row in rows):
            total.silent[number] = {part: sum(row.silent[number][part] for row in rows) for part in Solicitation}
    return total


def _row_json(row: SituationRow, found: Situation) -> dict[str, Any]:
    strands: dict[int, Any] = {n: {**row.figures(n), "reported": row.reported.get(n, 0)} for n in row.strands}
    for number, day in found.openings.items():
        nothing = dict.fromkeys([*(name.value for name in (*Bucket, *Solicitation)), "reported"])
        strands[number] = {"opens_on": day.isoformat(), **nothing}
    return {
        found.by.value: row.code,
        "label": row.label,
        "authorities": row.authorities if row.strands else None,
        "schools": row.schools if row.strands else None,
        "strands": {str(number): strands[number] for number in sorted(strands)},
    }
