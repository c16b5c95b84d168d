"""Where schools and authorities stand, as of any day: derived from the records, by SQL or in memory.

For decisions taken line by line. The rule is that of `standing_of_schools`: the record with the latest effective day
holds, of two with the same day the one recorded last; a declared joining is passed over while a confirmed one stands.

Where a function takes `known_at`, it reads what was known at that moment: the records made and not withdrawn by then,
and the editions of the register applied by then. Without it, all that is known now.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Exists,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    Subquery,
    and_,
    case,
    exists,
    func,
    intersect,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from outreach.adherence.models import AdherenceRecord, Prerequisite, Programme, RollUp, Status, Strand, Word
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.directory.models import Contact, ContactSchool, Level, Ownership, Teaching, types_of
from outreach.directory.register import is_reported


@dataclass(frozen=True, slots=True)
class Moment:
    """The status that holds from a day on, and on whose word."""

    day: date
    status: Status
    word: Word


class Timeline:
    """Moments by school and strand (their keys)."""

    def __init__(self) -> None:
        self._moments: dict[tuple[int, int], list[Moment]] = {}

    def add(self, school_id: int, strand_id: int, moment: Moment) -> None:
        """Add a moment that was recorded after all those already here."""
        held = self._moments.setdefault((school_id, strand_id), [])
        held.append(moment)
        held.sort(key=lambda known: known.day)

    def at(self, school_id: int, strand_id: int, day: date) -> Moment | None:
        """The moment that holds at the end of a day."""
        until = [moment for moment in self._moments.get((school_id, strand_id), ()) if moment.day <= day]
        said = next((moment for moment in reversed(until) if not is_declared(moment)), None)
        return said if is_confirmed(said) or not until else until[-1]

    def latest(self, school_id: int, strand_id: int) -> Moment | None:
        """The moment with the latest day of all."""
        return self.at(school_id, strand_id, date.max)

    def next_day(self, school_id: int, strand_id: int, day: date, *, declared: bool = True) -> date | None:
        """The day of the first moment after a day, of declared joinings too or not; None where there is none."""
        held = [moment for moment in self._moments.get((school_id, strand_id), ()) if moment.day > day]
        return next((moment.day for moment in held if declared or not is_declared(moment)), None)

    def breaks(self, school_id: int, strand_id: int, day: date, rules: Sequence[Prerequisite]) -> bool:
        """Whether joining the strand that day lacks a confirmed joining of a strand required that day."""
        for rule in rules:
            in_force = rule.since <= day and (rule.until is None or day < rule.until)
            if rule.strand_id == strand_id and in_force and not is_confirmed(self.at(school_id, rule.required_id, day)):
                return True
        return False


def is_confirmed(moment: Moment | None) -> bool:
    """Whether a moment is a joining that the service confirmed."""
    return moment is not None and (moment.status, moment.word) == (Status.JOINED, Word.CONFIRMED)


def is_declared(moment: Moment) -> bool:
    """Whether a moment is a joining on the authority's word alone."""
    return (moment.status, moment.word) == (Status.JOINED, Word.DECLARED)


def timeline_of(
    session: Session,
    programme: Programme,
    school_ids: Iterable[int] | None = None,
    *,
    without: Collection[int] = (),
) -> Timeline:
    """The records of a programme that are not withdrawn, of these schools or of all; `without` those of these keys."""
    strands = programme.strand_keys
    query = select(AdherenceRecord).where(AdherenceRecord.stands(), AdherenceRecord.strand_id.in_(strands))
    if school_ids is not None:
        query = query.where(AdherenceRecord.school_id.in_(list(school_ids)))
    timeline = Timeline()
    for entry in session.scalars(query.order_by(AdherenceRecord.recorded_at, AdherenceRecord.id)):
        if entry.id not in without:
            timeline.add(entry.school_id, entry.strand_id, Moment(entry.effective_on, entry.status, entry.word))
    return timeline


def all_eligible(days: Sequence[date], strands: Sequence[Strand], known_at: datetime | None = None) -> Subquery:
    """The schools a strand is open to on each day, with their owner: columns day, strand_id, school_id, authority_id.

    `days` and `strands` must not be empty. As of a day means at the end of that day, in Brussels.
    """
    calendar = _calendar(days)
    parts = [
        select(calendar.c.day, literal(strand.id).label("strand_id"), Ownership.school_id, Ownership.authority_id)
        .join(Ownership, Ownership.on(calendar.c.day, known_at))
        .where(_teaches(strand.levels, calendar.c.day, known_at))
        for strand in strands
    ]
    return union_all(*parts).subquery("eligible")


def recorded(days: Sequence[date], strands: Sequence[Strand], known_at: datetime | None = None) -> Subquery:
    """The record that holds for each school that has one, eligible or not: columns day, strand_id, school_id, status,
    word, effective_on, record_id.
    """
    of_strands = AdherenceRecord.strand_id.in_([strand.id for strand in strands])
    calendar = _calendar(days)
    newest = (AdherenceRecord.effective_on.desc(), AdherenceRecord.recorded_at.desc(), AdherenceRecord.id.desc())
    pair = (calendar.c.day, AdherenceRecord.strand_id, AdherenceRecord.school_id)
    ranked = (
        select(
            *pair,
            AdherenceRecord.status,
            AdherenceRecord.word,
            AdherenceRecord.effective_on,
            AdherenceRecord.id.label("record_id"),
            func.row_number().over(partition_by=pair, order_by=newest).label("rank"),
        )
        .join(AdherenceRecord, AdherenceRecord.effective_on <= calendar.c.day)
        .where(_speaks(AdherenceRecord, known_at), of_strands)
        .subquery("ranked")
    )
    kept = [column for column in ranked.c if column.name != "rank"]
    return select(*kept).where(ranked.c.rank == 1).subquery("recorded")


def joined_schools(strands: Select[int | None], day: date) -> Subquery:
    """The joinings that hold at the end of a day, one row each: columns school_id, strand_id, word, effective_on,
    recorded_at and stated_on.

    A joining is confirmed where a record of it since the school last stood otherwise is, and is then of the earliest
    day that is confirmed: a list that comes late may confirm what was declared of a later day. `stated_on` and
    `recorded_at` are those of the latest record, though it be a declared one that is passed over.

    `strands` selects the keys of the strands.
    """
    record, day_of = aliased(AdherenceRecord), literal(day, Date)
    confirmed = _confirmed_on(strands, day_of)
    query = select(
        record.school_id,
        record.strand_id,
        case((confirmed.c.day.is_not(None), Word.CONFIRMED), else_=record.word).label("word"),
        func.coalesce(confirmed.c.day, record.effective_on, type_=Date()).label("effective_on"),
        record.recorded_at,
        record.effective_on.label("stated_on"),
    )
    same = and_(confirmed.c.school_id == record.school_id, confirmed.c.strand_id == record.strand_id)
    is_joined = record.strand_id.in_(strands), record.status == Status.JOINED
    return query.outerjoin(confirmed, same).where(*is_joined, _is_latest(record, day_of)).subquery("joined")


def _confirmed_on(strands: Select[int | None], day: ColumnElement[date]) -> Subquery:
    """The earliest confirmed day of the joinings that no other status followed by the end of a day."""
    record, later = aliased(AdherenceRecord), aliased(AdherenceRecord)
    is_other = later.status != Status.JOINED, later.effective_on <= day, later.stands()
    is_over = exists().where(_follows(later, record), *is_other)
    is_confirmed = _is_joined(record, Word.CONFIRMED), record.stands()
    first = func.min(record.effective_on, type_=Date()).label("day")
    query = select(record.school_id, record.strand_id, first).where(record.strand_id.in_(strands), *is_confirmed)
    return query.where(record.effective_on <= day, ~is_over).group_by(record.school_id, record.strand_id).subquery()


def status_of(
    school_id: SQLColumnExpression[int], strand_id: SQLColumnExpression[int | None], day: date | ColumnElement[date]
) -> ScalarSelect[Status]:
    """The status of one school in one strand at the end of a day, as a scalar subquery; NULL without a record.

    It is cheap for the few schools of a letter. The latest record tells: one that is passed over has the same status as
    the one that holds.
    """
    newest = (AdherenceRecord.effective_on.desc(), AdherenceRecord.recorded_at.desc(), AdherenceRecord.id.desc())
    return (
        select(AdherenceRecord.status)
        .where(
            AdherenceRecord.school_id == school_id,
            AdherenceRecord.strand_id == strand_id,
            AdherenceRecord.effective_on <= day,
            AdherenceRecord.stands(),
        )
        .order_by(*newest)
        .limit(literal_column("1"))  # with a parameter, PostgreSQL would plan the statement anew each time
        .correlate_except(AdherenceRecord)
        .scalar_subquery()
    )


def standing_of_some(authorities: Iterable[int], strand: Strand, day: date) -> Select[int, int, Status]:
    """The authority, the key and the status (NULL for none) of each eligible school of a few authorities, but for those
    that are reported as gone.

    It is cheap for a few.
    """
    of_strand = select(Strand.id).where(Strand.id == strand.id).scalar_subquery()
    query = select(Ownership.authority_id, Ownership.school_id, status_of(Ownership.school_id, of_strand, day))
    return query.where(
        *(among(Ownership.authority_id, authorities), Ownership.on(day), _teaches(strand.levels, literal(day, Date))),
        ~is_reported(Ownership.school_id, Ownership.authority_id),
    )


def standing_of_limits(strand: Strand, day: date, authorities: Select[int] | None = None) -> Subquery:
    """Where each eligible school stands that an address in use answers for, of addresses that answer for some only:
    columns contact_id, authority_id, school_id, status.

    A school that the address's authority does not own on the day has no row. `authorities` limits it to some.
    """
    day_of = literal(day, Date)
    of_strand = select(Strand.id).where(Strand.id == strand.id).scalar_subquery()
    status = status_of(ContactSchool.school_id, of_strand, day)
    is_owned = and_(Ownership.school_id == ContactSchool.school_id, Ownership.authority_id == Contact.authority_id)
    query = (
        select(
            ContactSchool.contact_id,
            Contact.authority_id,
            ContactSchool.school_id,
            func.coalesce(status, Status.NONE, type_=AdherenceRecord.status.type).label("status"),
        )
        .join(Contact, Contact.id == ContactSchool.contact_id)
        .join(Ownership, and_(is_owned, Ownership.on(day_of)))
        .where(Contact.retired_at.is_(None), _teaches(strand.levels, day_of))
    )
    asked = query if authorities is None else query.where(Contact.authority_id.in_(authorities))
    return asked.subquery("limits")


def standing_of_schools(day: date, strands: Sequence[Strand], known_at: datetime | None = None) -> Subquery:
    """Where each eligible school stands on a day: columns of `all_eligible`, word, effective_on, record_id, status.

    A school without a record stands at NONE, with no word. The record that holds is that of `recorded`, found by the
    index on schools: SQLite, which keeps no statistics, would look through all of `recorded` for each school.
    """
    schools, record = all_eligible([day], strands, known_at), aliased(AdherenceRecord)
    columns = record.strand_id, record.school_id, record.status, record.word, record.effective_on
    known = (
        select(*columns, record.id.label("record_id"))
        .where(record.strand_id.in_([strand.id for strand in strands]), _holds(record, literal(day, Date), known_at))
        .subquery("known")
    )
    status = func.coalesce(known.c.status, Status.NONE, type_=known.c.status.type).label("status")
    rows = select(schools, known.c.word, known.c.effective_on, known.c.record_id, status)
    same = [schools.c[name] == known.c[name] for name in ("strand_id", "school_id")]
    return rows.outerjoin(known, and_(*same)).subquery("standing")


def _holds(
    record: type[AdherenceRecord], day: ColumnElement[date], known_at: datetime | None = None
) -> ColumnElement[bool]:
    """Whether of the records of its school and strand this one holds at the end of a day: none that speaks follows."""
    later = aliased(AdherenceRecord)
    is_told = later.effective_on <= day, later.was_known(known_at)
    # What is declared after a confirmed joining either is passed over, or has another status between them.
    counts = or_(~_is_joined(record, Word.CONFIRMED), ~_is_joined(later, Word.DECLARED))
    supersedes = exists().where(_follows(later, record), *is_told, counts)
    return and_(record.effective_on <= day, _speaks(record, known_at), ~supersedes)


def _is_latest(record: type[AdherenceRecord], day: ColumnElement[date]) -> ColumnElement[bool]:
    """Whether no record of its school and strand follows this one by the end of a day."""
    later = aliased(AdherenceRecord)
    is_followed = exists().where(_follows(later, record), later.effective_on <= day, later.stands())
    return and_(record.effective_on <= day, record.stands(), ~is_followed)


def _speaks(record: type[AdherenceRecord], known_at: datetime | None = None) -> ColumnElement[bool]:
    """Whether a record was known, and is no declared joining that a confirmed one precedes: nobody's own word takes a
    confirmation back. Once another status stands between the two, what is declared after it speaks again.
    """
    confirmed, between = aliased(AdherenceRecord), aliased(AdherenceRecord)
    is_between = _follows(between, confirmed), _follows(record, between)
    is_over = exists().where(*is_between, between.status != Status.JOINED, between.was_known(known_at))
    is_known = _is_joined(confirmed, Word.CONFIRMED), confirmed.was_known(known_at)
    precedes = exists().where(_follows(record, confirmed), *is_known, ~is_over.correlate(record, confirmed))
    return and_(record.was_known(known_at), ~and_(_is_joined(record, Word.DECLARED), precedes.correlate(record)))


def _is_joined(record: type[AdherenceRecord], word: Word) -> ColumnElement[bool]:
    return and_(record.status == Status.JOINED, record.word == word)


def _follows(later: type[AdherenceRecord], record: type[AdherenceRecord]) -> ColumnElement[bool]:
    """Whether a record of the same school and strand comes after another in the order in which they hold."""
    order = ("effective_on", "recorded_at", "id")
    after = tuple_(*(getattr(later, name) for name in order)) > tuple_(*(getattr(record, name) for name in order))
    return and_(later.school_id == record.school_id, later.strand_id == record.strand_id, after)


def standing_on(strand: Strand, day: date) -> Subquery:
    """Where each eligible school stands in one strand at the end of one day: columns school_id, authority_id, status,
    word.

    The rows are those of `standing_of_schools`; without a calendar they cost a third less.
    """
    return _standing_query(strand.id, tuple(strand.levels), day).subquery("standing")


@lru_cache(maxsize=64)
def _standing_query(strand_id: int, levels: tuple[Level, ...], day: date) -> Select[*tuple[Any, ...]]:
    """Kept, as a page asks for it up to ten times, and writing it costs 2 ms, as much as running it."""
    day_of = literal(day, Date)
    newest = (AdherenceRecord.effective_on.desc(), AdherenceRecord.recorded_at.desc(), AdherenceRecord.id.desc())
    rank = func.row_number().over(partition_by=AdherenceRecord.school_id, order_by=newest)
    holds = (AdherenceRecord.strand_id == strand_id, AdherenceRecord.effective_on <= day_of, _speaks(AdherenceRecord))
    record = (AdherenceRecord.school_id, AdherenceRecord.status, AdherenceRecord.word)
    ranked = select(*record, rank.label("rank")).where(*holds).subquery()
    known = select(ranked.c.school_id, ranked.c.status, ranked.c.word).where(ranked.c.rank == 1).subquery()
    status = func.coalesce(known.c.status, Status.NONE, type_=known.c.status.type).label("status")
    query = select(Ownership.school_id, Ownership.authority_id, status, known.c.word)
    query = query.outerjoin(known, known.c.school_id == Ownership.school_id)
    return query.where(Ownership.on(day_of), _teaches(levels, day_of))


def joinings(
    days: Sequence[date], strands: Sequence[Strand], known_at: datetime | None = None
) -> Select[*tuple[Any, ...]]:
    """How many eligible schools had a confirmed joining: rows of day, strand_id, count; a pair without any has no row.

    The figure is the same as from `standing_of_schools`. It is computed from the few schools that have a record, so
    that many days cost little.
    """
    known = recorded(days, strands, known_at)
    taught = [(strand.id, _teaches(strand.levels, known.c.day, known_at)) for strand in strands]
    open_to = [and_(known.c.strand_id == strand, is_taught) for strand, is_taught in taught]
    return (
        select(known.c.day, known.c.strand_id, func.count())
        .join(Ownership, and_(Ownership.school_id == known.c.school_id, Ownership.on(known.c.day, known_at)))
        .where(known.c.status == Status.JOINED, known.c.word == Word.CONFIRMED, or_(*open_to))
        .group_by(known.c.day, known.c.strand_id)
    )


def _calendar(days: Sequence[date]) -> Subquery:
    return union_all(*(select(literal(day, Date).label("day")) for day in days)).subquery("calendar")


def _teaches(levels: Sequence[Level], day: ColumnElement[date], known_at: datetime | None = None) -> Exists:
    return exists().where(
        Teaching.school_id == Ownership.school_id,
        Teaching.on(day, known_at),
        Teaching.education_type.in_(types_of(*levels)),
    )


def rolled_up(
    day: date, strands: Sequence[Strand], known_at: datetime | None = None, schools: Select[int] | None = None
) -> Subquery:
    """Where each authority with an eligible school stands: columns authority_id, strand_id, roll_up, concerned, joined.

    Only confirmed joinings count; schools that are not concerned leave the base. `schools` counts some schools only.
    """
    rows = standing_of_schools(day, strands, known_at)
    concerned, joined = _counted(rows.c.status, rows.c.word)
    return (
        select(
            rows.c.authority_id,
            rows.c.strand_id,
            roll_up_of(rows.c.status, rows.c.word).label("roll_up"),
            concerned.label("concerned"),
            joined.label("joined"),
        )
        .where(*(() if schools is None else (rows.c.school_id.in_(schools),)))
        .group_by(rows.c.authority_id, rows.c.strand_id)
        .subquery("rolled_up")
    )


def roll_up_of(status: ColumnElement[Status], word: ColumnElement[Word | None]) -> ColumnElement[str]:
    """Where an authority stands, as an aggregate over its eligible schools, by the status and the word of each."""
    concerned, joined = _counted(status, word)
    return case(
        (concerned == 0, RollUp.NOT_CONCERNED),
        (joined == concerned, RollUp.COMPLETE),
        (joined > 0, RollUp.PARTIAL),
        else_=RollUp.NONE,
    )


def _counted(
    status: ColumnElement[Status], word: ColumnElement[Word | None]
) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Over an authority's eligible schools: how many are concerned, and how many have joined, confirmed."""
    is_joined = (status == Status.JOINED) & (word == Word.CONFIRMED)
    concerned, joined = (case((is_so, 1), else_=0) for is_so in (status != Status.NOT_CONCERNED, is_joined))
    return func.sum(concerned), func.sum(joined)


def standing_so(standings: Sequence[tuple[Strand, RollUp]], day: date) -> Select[int] | None:
    """The keys of the authorities that stand so in each of these strands; None where none is named."""
    found = []
    for strand, state in standings:
        rows = rolled_up(day, [strand])
        found.append(select(rows.c.authority_id).where(rows.c.roll_up == state))
    if len(found) < 2:
        return found[0] if found else None
    return select(intersect(*found).subquery().c.authority_id)


def roll_up(schools: Iterable[tuple[Status, Word | None]]) -> RollUp:
    """The rule of `rolled_up` over loaded statuses: an authority without a concerned school is not concerned itself."""
    concerned = [(status, word) for status, word in schools if status is not Status.NOT_CONCERNED]
    joined = [pair for pair in concerned if pair == (Status.JOINED, Word.CONFIRMED)]
    if not concerned:
        return RollUp.NOT_CONCERNED
    if len(joined) == len(concerned):
        return RollUp.COMPLETE
    return RollUp.PARTIAL if joined else RollUp.NONE
