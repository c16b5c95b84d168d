"""Why a figure changed: the difference between two readings of a situation, cell by cell and school by school.

A reading is a day and a moment: what the records known at the moment say of the end of the day. Between two of them
lies a third, the first day as the later moment knows it. What differs between the two days, as the later moment knows
both, happened since; what differs between the two moments, of the first day alone, was told, taken back or corrected
later. So every school that enters a cell or leaves it has one cause there, and none is without: first its place in the
population (the register's doing), then its status.

What a school was in a cell is that of `situation`: `standing` states the rule of records in SQL, `_Held` in a loop.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, exists, literal, or_, select, type_coerce
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.adherence.models import AdherenceRecord, JoiningList, RecordWithdrawal, Status, Word
from outreach.adherence.situation._cells import (
    CONCERNED,
    OF_STATUS,
    By,
    Cause,
    Cell,
    Compared,
    Reading,
    SituationDifference,
)
from outreach.adherence.situation._grouping import OUTSIDE, before_later_editions, refuse_unknowable
from outreach.adherence.situation._situation import Bucket
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text.errors import InputError
from outreach.directory.models import (
    Authority,
    Dated,
    EducationType,
    Federation,
    Membership,
    Network,
    Ownership,
    RegisterChange,
    RegisterImport,
    RegisterKind,
    School,
    SchoolSite,
    Teaching,
    types_of,
)


def difference(
    session: Session, asked: Compared, before: Reading, after: Reading, naming: Session | None = None
) -> SituationDifference:
    """Take two readings and split the difference of every cell by cause.

    `naming` is a session that sees some schools alone: the others are counted, and not named.

    Raises InputError where a day lies after its moment or the federation is not known, Refused where an edition that
    was in force at a moment was undone since: see `known.refuse_unknowable`.
    """
    for one in (before, after):
        refuse_unknowable(session, one.day, one.known_at)
    federation = asked.code(ScopeKind.FEDERATION)
    if federation and not session.scalar(select(Federation.id).where(Federation.code == federation)):
        codes = ", ".join(session.scalars(select(Federation.code).order_by(Federation.code)))
        raise InputError(f"Fédération inconnue : « {federation[:60]} ». Choisissez parmi : {codes}.")
    is_turned = before.moment > after.moment
    early, late = (after, before) if is_turned else (before, after)
    return _Splitting(session, asked, early, late, naming or session, is_turned=is_turned).split(before, after)


# What a school is in the three readings, in this order: the first, the first day as known at the later moment, the
# second.
T = TypeVar("T")
Three = tuple[T, T, T]
Name = tuple[str, str, str]  # of a cell: which kind, the group, the status
SINCE: Mapping[str, Cause] = {Bucket.JOINED: Cause.JOINED_SINCE, Bucket.DECLARED: Cause.DECLARED_SINCE}
FIRST, BETWEEN, SECOND = 1, 2, 4  # bits of what holds in which reading


def raw(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    """A column as the database has it: of many rows, most of the time would go into making dates and enums."""
    told: ColumnElement[Any] = type_coerce(column, NullType())
    return told


class _Record(NamedTuple):
    """A record of a school, as far as it decides: in which readings it was known and effective (bits)."""

    school_id: int
    id: int
    status: str
    word: str
    effective_on: object
    known: int
    is_new: int
    is_gone: int
    is_list_undone: int


class _Place(NamedTuple):
    """Where a school is listed, by reading: its authority, and the levels of the strand that make it count (bits)."""

    authority: int
    levels: int


NOWHERE = _Place(0, 0)


@dataclass(slots=True)
class _Held:
    """The record that holds in each reading, and the bucket that follows."""

    records: list[_Record | None] = field(default_factory=lambda: [None, None, None])

    @classmethod
    def of(cls, records: Iterable[_Record]) -> "_Held":
        held = cls()
        for one in records:
            for place, bit in enumerate((FIRST, BETWEEN, SECOND)):
                if one.known & bit and not (_is_declared(one) and _is_confirmed(held.records[place])):
                    held.records[place] = one
        return held

    def buckets(self) -> Three[str]:
        """What the school counts as in each reading."""
        first, between, second = map(_bucket, self.records)
        return first, between, second


def _is_declared(one: _Record) -> bool:
    return one.status == Status.JOINED and one.word == Word.DECLARED


def _is_confirmed(one: _Record | None) -> bool:
    return one is not None and one.status == Status.JOINED and one.word == Word.CONFIRMED


def _bucket(one: _Record | None) -> str:
    if one is None:
        return Bucket.NONE.value
    return Bucket.DECLARED.value if _is_declared(one) else one.status


class _Splitting:
    """The rows of two readings, the earlier moment's first, and the cells they fill."""

    def __init__(
        self, session: Session, asked: Compared, early: Reading, late: Reading, naming: Session, *, is_turned: bool
    ) -> None:
        self.session, self.asked, self.early, self.late, self.is_turned = session, asked, early, late, is_turned
        self.naming, self.decided = naming, dict[int, int]()
        self.days = early.day, early.day, late.day
        self.moments = early.known_at, late.known_at, late.known_at
        self.is_backward = late.day < early.day
        self.levels = {level: 1 << place for place, level in enumerate(asked.strand.levels)}
        self.cells: dict[tuple[str, str], Cell] = defaultdict(Cell)
        self.populations: dict[str, Cell] = defaultdict(Cell)
        self.totals: dict[str, Cell] = defaultdict(Cell)

    def split(self, before: Reading, after: Reading) -> SituationDifference:
        """Fill the cells."""
        self.places = self._places()
        self.records = self._records()
        labels, grouped = self._grouping()
        counts: Counter[tuple[tuple[str, ...], str, tuple[str, ...], str]] = Counter()
        moving: list[tuple[int, Three[tuple[str, ...]], Three[str]]] = []
        nothing = _Held().buckets()
        for school, places in self.places.items():
            groups = grouped(school, places)
            records = self.records.get(school)
            buckets = _Held.of(records).buckets() if records else nothing
            counts[groups[0], buckets[0], groups[2], buckets[2]] += 1
            if groups[0] != groups[2] or buckets[0] != buckets[2]:
                moving.append((school, groups, buckets))
        for (first, was, second, becomes), count in counts.items():
            self._count(first, was, count, is_second=False)
            self._count(second, becomes, count, is_second=True)
        self._explain(moving)
        there = [group for group in labels if group in {key[0] for key in self.cells}]
        return SituationDifference(
            self.asked,
            before,
            after,
            {(group, bucket): self.cells[group, bucket.value] for group in there for bucket in Bucket},
            {group: self.populations[group] for group in there},
            {name: self.totals[name] for name in (*(bucket.value for bucket in Bucket), CONCERNED)},
            labels,
            self.decided,
        )

    def _count(self, groups: tuple[str, ...], bucket: str, count: int, *, is_second: bool) -> None:
        side = "after" if is_second is not self.is_turned else "before"
        for cell in self._cells_of(groups, bucket).values():
            setattr(cell, side, getattr(cell, side) + count)

    def _cells_of(self, groups: tuple[str, ...], bucket: str) -> dict[Name, Cell]:
        """The cells that a school is in, by a name of each: those of its groups, and those of all."""
        found: dict[Name, Cell] = {("cell", group, bucket): self.cells[group, bucket] for group in groups}
        if groups:
            found["total", "", bucket] = self.totals[bucket]
        if bucket != Bucket.NOT_CONCERNED:
            found |= {("population", group, ""): self.populations[group] for group in groups}
            if groups:
                found["total", "", CONCERNED] = self.totals[CONCERNED]
        return found

    # -- causes

    def _explain(self, moving: Sequence[tuple[int, Three[tuple[str, ...]], Three[str]]]) -> None:
        """Enter each school that is not in the same cells into those it left and those it came to, with the cause."""
        fases = self._fases([school for school, *_ in moving])
        register = _Register(self, [school for school, groups, _ in moving if groups[0] != groups[2]], fases)
        for school, groups, buckets in moving:
            left, come = self._cells_of(groups[0], buckets[0]), self._cells_of(groups[2], buckets[2])
            of_status, deciding = self._cause_of_status(self.records.get(school, ()), buckets)
            for sign, some, others in ((-1, left, come), (1, come, left)):
                for name in some.keys() - others.keys():
                    cause = self._cause_of_register(name[1], school, groups, register) or of_status
                    key = cause, -sign if self.is_turned else sign
                    fase = None if cause is Cause.LEFT else fases.get(school)
                    some[name].causes.setdefault(key, []).append(fase)
                    if deciding and fase and cause in OF_STATUS:
                        self.decided[fase] = deciding

    def _cause_of_register(
        self, group: str, school: int, groups: Three[tuple[str, ...]], register: "_Register"
    ) -> Cause | None:
        """Why a school is in a group, or in any, in one reading alone; None where it is in both."""
        was, between, is_now = ((group in of) if group else bool(of) for of in groups)
        return None if was == is_now else register.cause(school, groups, is_since=between != is_now)

    def _cause_of_status(self, records: Sequence[_Record], buckets: Three[str]) -> tuple[Cause, int | None]:
        """Why a school has another status, and the key of the record that says so."""
        was, becomes, last = _Held.of(records).records
        if buckets[1] != buckets[2]:
            later, bucket = (becomes, buckets[1]) if self.is_backward else (last, buckets[2])
            return SINCE.get(bucket, Cause.CHANGED_SINCE), later and later.id
        if becomes is not None and becomes.is_new:
            is_same_day = was is not None and was.effective_on == becomes.effective_on and was.status != becomes.status
            return Cause.CORRECTED if is_same_day or (was and was.is_gone) else Cause.TOLD_LATE, becomes.id
        gone = was if was and was.is_gone else next((one for one in records if one.known & FIRST and one.is_gone), None)
        if gone is None:
            # A record that came between makes what was declared after it speak, or stay silent.
            return Cause.TOLD_LATE, next((one.id for one in records if one.is_new and one.known & BETWEEN), None)
        return Cause.LIST_UNDONE if gone.is_list_undone else Cause.TAKEN_BACK, gone.id

    # -- rows

    def readings(self, holds: Callable[[int], ColumnElement[bool]]) -> ColumnElement[int]:
        """The bits of the readings in which something holds, as SQL."""
        bits = (FIRST, BETWEEN, SECOND)
        parts = [case((holds(place), literal(bit)), else_=literal(0)) for place, bit in enumerate(bits)]
        return parts[0] + parts[1] + parts[2]

    def _places(self) -> dict[int, Three[_Place]]:
        """Where each school that counts in some reading is, in one statement."""
        is_open = [self.asked.strand.is_open(day) for day in self.days]

        def holds(place: int) -> ColumnElement[bool]:
            there = Ownership.on(self.days[place], self.moments[place])
            taught = Teaching.on(self.days[place], self.moments[place])
            return and_(literal(is_open[place]), there, taught)

        query = (
            select(
                Ownership.school_id,
                Ownership.authority_id,
                raw(Teaching.education_type),
                self.readings(holds),
            )
            .join(Teaching, Teaching.school_id == Ownership.school_id)
            .where(Teaching.education_type.in_(types_of(*self.asked.strand.levels)))
        )
        if self.asked.schools is not None:
            query = query.where(Ownership.school_id.in_(self.asked.schools))
        members = self._members(self.asked.scope) if self.asked.scope else None
        bit_of = {kind.value: self.levels[kind.level] for kind in EducationType if kind.level in self.levels}
        found: dict[int, Three[_Place]] = {}
        for school, authority, kind, held in self.session.execute(query):
            level = bit_of[kind]
            bits = held if members is None else held & members.get((authority, level), 0)
            if not bits:
                continue
            places = found.get(school)
            if places is None and bits == FIRST | BETWEEN | SECOND:
                found[school] = (_Place(authority, level),) * 3
                continue
            first, between, second = (
                _Place(authority, was.levels | level) if bits >> place & 1 else was
                for place, was in enumerate(places or (NOWHERE, NOWHERE, NOWHERE))
            )
            found[school] = first, between, second
        return found

    def _members(self, scope: AccessScope) -> dict[tuple[int, int], int]:
        """In which readings an authority is a member for a level; one of a network is in it for ever."""
        if scope.kind is ScopeKind.NETWORK:
            of = (
                select(Authority.id).join(Network, Network.id == Authority.network_id).where(Network.code == scope.code)
            )
            theirs = self.session.scalars(of).all()
            return {(key, level): FIRST | BETWEEN | SECOND for key in theirs for level in self.levels.values()}
        held = self.readings(lambda place: Membership.on(self.days[place], self.moments[place]))
        query = select(Membership.authority_id, Membership.level, held).join(
            Federation, Federation.id == Membership.federation_id
        )
        found: dict[tuple[int, int], int] = defaultdict(int)
        for authority, level, bits in self.session.execute(query.where(Federation.code == scope.code)):
            if level in self.levels:
                found[authority, self.levels[level]] |= bits
        return found

    def _records(self) -> dict[int, list[_Record]]:
        """The records of the strand by school, in the order in which they hold, in one statement."""
        record, withdrawal = AdherenceRecord, RecordWithdrawal
        first, second = self.early.moment, self.late.moment
        is_of_undone = and_(JoiningList.undone_at.is_not(None), JoiningList.undone_at == withdrawal.withdrawn_at)

        def stood(place: int) -> ColumnElement[bool]:
            at = (first, second, second)[place]
            stands = or_(withdrawal.withdrawn_at.is_(None), withdrawal.withdrawn_at > at)
            return and_(record.effective_on <= self.days[place], record.recorded_at <= at, stands)

        flags = (
            record.recorded_at > first,
            and_(withdrawal.withdrawn_at > first, withdrawal.withdrawn_at <= second),
            is_of_undone,
        )
        query = (
            select(
                record.school_id,
                record.id,
                *map(raw, (record.status, record.word, record.effective_on)),
                self.readings(stood),
                *(case((flag, literal(1)), else_=0) for flag in flags),
            )
            .outerjoin(withdrawal, withdrawal.record_id == record.id)
            .outerjoin(JoiningList, JoiningList.id == record.list_id)
            .where(record.strand_id == self.asked.strand.id, record.effective_on <= max(self.days))
            .order_by(record.school_id, record.effective_on, record.recorded_at, record.id)
        )
        rows = map(_Record._make, self.session.execute(query))
        return {school: list(theirs) for school, theirs in groupby(rows, attrgetter("school_id"))}

    def _grouping(self) -> tuple[dict[str, str], Callable[[int, Three[_Place]], Three[tuple[str, ...]]]]:
        """The labels of the groups, and the groups of a school in each reading."""
        match self.asked.by:
            case By.NETWORK:
                labels = dict(
                    self.session.execute(select(Network.code, Network.label).order_by(Network.position)).all()
                )
                codes = select(Authority.id, Network.code).join(Network, Network.id == Authority.network_id)
                of = {key: (code,) for key, code in self.session.execute(codes)} | {0: ()}
                return labels, lambda _, places: (of[places[0][0]], of[places[1][0]], of[places[2][0]])
            case By.LEVEL:
                named = {level.value: bit for level, bit in self.levels.items()}
                sets = {
                    bits: tuple(name for name, bit in named.items() if bits & bit) for bits in range(1 << len(named))
                }
                labels = {level.value: level.label for level in self.levels}
                return labels, lambda _, places: (sets[places[0][1]], sets[places[1][1]], sets[places[2][1]])
            case By.ZONE:
                return self._zones()

    def _zones(self) -> tuple[dict[str, str], Callable[[int, Three[_Place]], Three[tuple[str, ...]]]]:
        """A zone has no day of its own: it is the one that the editions applied by a moment gave."""
        rows = self.session.execute(select(School.id, School.fase, School.zone)).all()
        first, later = (before_later_editions(self.session, "zone", one.known_at) for one in (self.early, self.late))
        used = {*(zone for *_, zone in rows), *first.values(), *later.values()} - {""}
        alone = {zone: (zone,) for zone in used} | {"": (OUTSIDE,)}
        then = {key: alone[first.get(fase, zone)] for key, fase, zone in rows}
        by_now = {key: alone[later.get(fase, zone)] for key, fase, zone in rows} if first != later else then
        labels = {zone: zone for zone in sorted(used)} | {OUTSIDE: "Sans zone"}

        def grouped(school: int, places: Three[_Place]) -> Three[tuple[str, ...]]:
            first, between, second = (bool(place.authority) for place in places)
            now = by_now[school]
            return then[school] if first else (), now if between else (), now if second else ()

        return labels, grouped

    def _fases(self, schools: Sequence[int]) -> Mapping[int, int]:
        if not schools:
            return {}
        return dict(self.naming.execute(select(School.id, School.fase).where(among(School.id, schools))).all())


class _Register:
    """What the register says of the schools that came into a population or left it: of each, why.

    A federation or network is told that a school left, and nothing of what became of it, or of where one came from.
    """

    def __init__(self, splitting: _Splitting, schools: Sequence[int], named: Collection[int]) -> None:
        self.splitting, self.named = splitting, named
        # As the later moment knows them: the reading of the earlier day, and of the later.
        self.ends = (2, 1) if splitting.is_backward else (1, 2)
        self.owners: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
        self.taught: dict[int, int] = defaultdict(int)
        self.running: set[int] = set()
        self.taken_over: set[int] = set()
        self.undone: set[int] = set()
        if schools:
            self._read(schools)

    def cause(self, school: int, groups: Three[tuple[str, ...]], *, is_since: bool) -> Cause:  # noqa: PLR0911 - a way for each
        """Why a school is in a group in one reading alone; `is_since`: it is between the two days that it changed."""
        first, last = self.ends
        # The reading that says it last, if it is the one without the school.
        out = 0 if is_since and self.splitting.is_backward else 2
        scope = self.splitting.asked.scope
        is_elsewhere = self.taught[school] >> out & 1 or school not in self.named
        if scope and groups[2 - out] and not groups[out] and is_elsewhere:
            return Cause.LEFT
        if not is_since:
            return Cause.EDITION_UNDONE if school in self.undone else Cause.EDITION_APPLIED
        if not self.splitting.asked.strand.is_open(self.splitting.days[first]):
            return Cause.STRAND_OPENED
        owners = self.owners[school]
        if not owners[first]:
            return Cause.OPENED
        if not owners[last]:
            return Cause.MERGED if school in self.taken_over else Cause.CLOSED
        if owners[first] != owners[last]:
            is_from_outside = scope and not (groups[first] and groups[last])
            return Cause.MOVED if is_from_outside or owners[first] in self.running else Cause.MERGED
        return Cause.LEVEL_CHANGED

    def _read(self, schools: Sequence[int]) -> None:
        session, on = self.splitting.session, self._on
        owned = select(Ownership.school_id, Ownership.authority_id, self.splitting.readings(partial(on, Ownership)))
        for school, authority, bits in session.execute(owned.where(among(Ownership.school_id, schools))):
            for place in (0, 1, 2):
                if bits >> place & 1:
                    self.owners[school][place] = authority
        kinds = Teaching.education_type.in_(types_of(*self.splitting.asked.strand.levels))
        taught = select(Teaching.school_id, self.splitting.readings(partial(on, Teaching))).where(kinds)
        for school, bits in session.execute(taught.where(among(Teaching.school_id, schools))):
            self.taught[school] |= bits
        self.undone = self._undone(schools)
        first, last = self.ends
        owners = {theirs[first] for theirs in self.owners.values() if theirs[first] != theirs[last]} - {0}
        still = select(Ownership.authority_id).where(among(Ownership.authority_id, owners), on(Ownership, last))
        self.running = set(session.scalars(still.distinct())) if owners else set()
        if closed := [school for school, theirs in self.owners.items() if theirs[first] and not theirs[last]]:
            self.taken_over = self._taken_over(closed)

    def _undone(self, schools: Sequence[int]) -> set[int]:
        """Those that an edition touched that the earlier moment knows and that was undone by the later one."""
        early, late = self.splitting.early.moment, self.splitting.late.moment
        between = RegisterImport.applied_at <= early, RegisterImport.undone_at > early, RegisterImport.undone_at <= late
        editions = self.splitting.session.scalars(select(RegisterImport.id).where(*between)).all()
        if not editions:
            return set()
        query = select(School.id).join(RegisterChange, RegisterChange.fase == School.fase)
        query = query.where(RegisterChange.kind == RegisterKind.SCHOOL, RegisterChange.import_id.in_(editions))
        return set(self.splitting.session.scalars(query.where(among(School.id, schools))))

    def _taken_over(self, closed: Sequence[int]) -> set[int]:
        """Of schools that closed, those of which another one that may be named has a site that it had not before."""
        first, last = self.ends
        theirs, others, before = SchoolSite, aliased(SchoolSite), aliased(SchoolSite)
        had_it = before.school_id == others.school_id, before.site_id == others.site_id, self._on(before, first)
        query = select(theirs.school_id, others.school_id).join(others, others.site_id == theirs.site_id)
        query = query.where(self._on(theirs, first), self._on(others, last), ~exists().where(*had_it))
        pairs = self.splitting.session.execute(query.where(among(theirs.school_id, closed))).all()
        seen = select(School.id).where(among(School.id, {other for _, other in pairs}))
        named = set(self.splitting.naming.scalars(seen)) if pairs else set()
        return {school for school, other in pairs if other in named}

    def _on(self, table: type[Dated], place: int) -> ColumnElement[bool]:
        return table.on(self.splitting.days[place], self.splitting.moments[place])
