"""Counts the situation of a programme on a day: schools by network, strand and status.

One function feeds page, export and command.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, case, func, select

from outreach.adherence.models import Programme, RollUp, Status, Strand, Word
from outreach.adherence.standing import eligible, joinings, rolled_up, standing
from outreach.db import Session
from outreach.directory.models import Authority, Network, School

CURVE_POINTS = 26
SchoolRow = Row[School, Authority, Status, Word | None, date | None]
AuthorityRow = Row[Authority, RollUp, int, int]


class Bucket(StrEnum):
    """What a school counts as in a strand. A joining declared by the authority counts apart until it is confirmed."""

    JOINED = "joined"
    DECLARED = "declared"
    IN_PREPARATION = "in_preparation"
    TENDER_LAUNCHED = "tender_launched"
    DECLINED = "declined"
    INFORMED = "informed"
    NOT_CONCERNED = "not_concerned"
    NONE = "none"

    @property
    def label(self) -> str:
        """The French label."""
        return "Adhésion déclarée" if self is Bucket.DECLARED else Status(self.value).label


@dataclass(slots=True)
class SituationRow:
    """A network, or the total (network None): its authorities and schools over all strands, the schools of each strand
    by bucket, and the authorities of each strand."""

    network: str | None
    label: str
    authorities: int = 0
    schools: int = 0
    strands: dict[int, dict[Bucket, int]] = field(default_factory=dict)
    strand_authorities: dict[int, int] = field(default_factory=dict)

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
    """The situation at the end of a day, Brussels: the total, then each network that has an eligible school."""

    as_of: date
    total: SituationRow
    networks: list[SituationRow]

    def as_json(self) -> dict[str, Any]:
        """The situation as JSON, under fixed names."""
        return {
            "as_of": self.as_of.isoformat(),
            "total": _row_json(self.total),
            "networks": [_row_json(row) for row in self.networks],
        }


@dataclass(frozen=True, slots=True)
class Selection:
    """Which schools a figure counts."""

    strand: int
    bucket: Bucket | None = None
    network: str = ""


def situation(session: Session, programme: Programme, day: date) -> Situation:
    """Count every eligible school once per strand, by network."""
    rows = {code: SituationRow(code, label, strands=_empty(programme)) for code, label in _networks(session)}
    numbers = {strand.id: strand.number for strand in programme.strands}
    for code, strand_id, bucket, count in session.execute(_buckets(programme, day)):
        rows[code].strands[numbers[strand_id]][Bucket(bucket)] = count
    for code, authorities, schools in session.execute(_bases(programme, day)):
        rows[code].authorities, rows[code].schools = authorities, schools
    for strand in programme.strands:
        for code, authorities, _ in session.execute(_bases(programme, day, [strand])):
            rows[code].strand_authorities[strand.number] = authorities
    networks = [row for row in rows.values() if row.schools]
    return Situation(day, _total(networks, programme), networks)


def curve(session: Session, programme: Programme, day: date) -> list[tuple[date, dict[int, int]]]:
    """Confirmed joinings of each strand (by number) on evenly spaced days from the opening to `day`, both included."""
    days = _spaced(min(strand.opened_on for strand in programme.strands), day)
    numbers = {strand.id: strand.number for strand in programme.strands}
    points: dict[date, dict[int, int]] = {point: dict.fromkeys(numbers.values(), 0) for point in days}
    for point, strand_id, count in session.execute(joinings(days, programme.strands)):
        points[point][numbers[strand_id]] = count
    return sorted(points.items())


def count_schools(session: Session, programme: Programme, day: date, selection: Selection) -> int:
    """How many schools a figure counts."""
    query = _schools(programme, day, selection).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def schools(
    session: Session, programme: Programme, day: date, selection: Selection, limit: int | None = None, offset: int = 0
) -> Sequence[Any]:
    """The schools a figure counts: rows of School, Authority, status, word, effective_on."""
    query = _schools(programme, day, selection).order_by(School.folded, School.fase)
    return session.execute(query.limit(limit).offset(offset)).all()


def owners(session: Session, programme: Programme, day: date, selection: Selection) -> list[int]:
    """The keys of the authorities that own the schools a figure counts."""
    return list(session.scalars(_schools(programme, day, selection).with_only_columns(Authority.id).distinct()))


def count_owners(session: Session, programme: Programme, day: date, selection: Selection) -> int:
    """How many authorities `owners` has."""
    query = _schools(programme, day, selection).with_only_columns(func.count(Authority.id.distinct()))
    return session.scalar(query) or 0


def count_authorities(session: Session, programme: Programme, day: date, selection: Selection) -> int:
    """How many authorities run a school that a figure's strand is open to."""
    query = _authorities(programme, day, selection).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def authorities(
    session: Session, programme: Programme, day: date, selection: Selection, limit: int | None = None, offset: int = 0
) -> Sequence[Any]:
    """The authorities that `count_authorities` counts: rows of Authority, roll_up, concerned, joined (in schools)."""
    query = _authorities(programme, day, selection).order_by(Authority.folded, Authority.fase)
    return session.execute(query.limit(limit).offset(offset)).all()


def strand_by_number(programme: Programme, number: int) -> Strand:
    """The strand with this number, or the first."""
    return next((strand for strand in programme.strands if strand.number == number), programme.strands[0])


def _networks(session: Session) -> list[tuple[str, str]]:
    return [(network.code, network.label) for network in session.scalars(select(Network).order_by(Network.position))]


def _empty(programme: Programme) -> dict[int, dict[Bucket, int]]:
    return {strand.number: dict.fromkeys(Bucket, 0) for strand in programme.strands}


def _bucket(rows: Subquery) -> ColumnElement[str]:
    declared = (rows.c.status == Status.JOINED) & (rows.c.word == Word.DECLARED)
    return case((declared, Bucket.DECLARED.value), else_=rows.c.status)


def _buckets(programme: Programme, day: date) -> Select[*tuple[Any, ...]]:
    rows = standing([day], programme.strands)
    bucket = _bucket(rows).label("bucket")
    return (
        select(Network.code, rows.c.strand_id, bucket, func.count())
        .select_from(rows)
        .join(Authority, Authority.id == rows.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(Network.code, rows.c.strand_id, bucket)
    )


def _bases(programme: Programme, day: date, strands: Sequence[Strand] = ()) -> Select[*tuple[Any, ...]]:
    rows = eligible([day], strands or programme.strands)
    return (
        select(Network.code, func.count(rows.c.authority_id.distinct()), func.count(rows.c.school_id.distinct()))
        .select_from(rows)
        .join(Authority, Authority.id == rows.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(Network.code)
    )


def _schools(programme: Programme, day: date, selection: Selection) -> Select[*tuple[Any, ...]]:
    rows = standing([day], [strand_by_number(programme, selection.strand)])
    query = (
        select(School, Authority, rows.c.status, rows.c.word, rows.c.effective_on)
        .select_from(rows)
        .join(School, School.id == rows.c.school_id)
        .join(Authority, Authority.id == rows.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
    )
    if selection.bucket:
        query = query.where(_bucket(rows) == selection.bucket.value)
    if selection.network:
        query = query.where(Network.code == selection.network)
    return query


def _authorities(programme: Programme, day: date, selection: Selection) -> Select[*tuple[Any, ...]]:
    rows = rolled_up(day, [strand_by_number(programme, selection.strand)])
    query = select(Authority, rows.c.roll_up, rows.c.concerned, rows.c.joined).join(Authority.network)
    query = query.join(rows, rows.c.authority_id == Authority.id)
    return query.where(Network.code == selection.network) if selection.network else query


def _total(networks: Sequence[SituationRow], programme: Programme) -> SituationRow:
    total = SituationRow(
        None, "Total", sum(r.authorities for r in networks), sum(r.schools for r in networks), _empty(programme)
    )
    for number, buckets in total.strands.items():
        for bucket in buckets:
            buckets[bucket] = sum(row.strands[number][bucket] for row in networks)
        total.strand_authorities[number] = sum(row.strand_authorities.get(number, 0) for row in networks)
    return total


def _spaced(first: date, last: date) -> list[date]:
    days = max((last - first).days, 0)
    count = min(CURVE_POINTS, days + 1)
    return [last - timedelta(days * step // max(count - 1, 1)) for step in range(count)]


def _row_json(row: SituationRow) -> dict[str, Any]:
    strands = {
        str(number): {bucket.value: count for bucket, count in buckets.items()}
        for number, buckets in row.strands.items()
    }
    return {
        "network": row.network,
        "label": row.label,
        "authorities": row.authorities,
        "schools": row.schools,
        "strands": strands,
    }
