"""Criteria as tick boxes on a page: a matrix of networks and levels, then refinements, all required."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from outreach.adherence.models import RollUp, Status
from outreach.directory.models import Level
from outreach.segments.criteria import (
    And,
    Criterion,
    HasLevel,
    InNetwork,
    InZone,
    NetworkCode,
    NeverAnswered,
    NotWrittenSince,
    Or,
    RolledUp,
    SchoolStatus,
    Unreachable,
    Which,
)

Cell = tuple[NetworkCode, Level]
EVERY_CELL = frozenset(product(NetworkCode, Level))


@dataclass(frozen=True, slots=True)
class Choices:
    """Ticked boxes. No cell ticked means every authority; an empty refinement excludes nothing."""

    strand: int
    cells: frozenset[Cell] = frozenset()
    statuses: tuple[Status, ...] = ()
    which: Which = Which.ANY
    roll_ups: tuple[RollUp, ...] = ()
    zones: tuple[str, ...] = ()
    never_answered: bool = False
    quiet_days: int = 0
    unreachable: bool = False

    def criterion(self) -> Criterion:
        """The criterion these boxes mean."""
        return And(tuple(self._parts()))

    def _parts(self) -> Iterator[Criterion]:
        yield from _matrix(self.cells)
        if self.statuses:
            yield SchoolStatus(strand=self.strand, statuses=self.statuses, which=self.which)
        if self.roll_ups:
            yield RolledUp(strand=self.strand, states=self.roll_ups)
        if self.zones:
            yield InZone(self.zones)
        if self.never_answered:
            yield NeverAnswered(strand=self.strand)
        if self.quiet_days:
            yield NotWrittenSince(days=self.quiet_days)
        if self.unreachable:
            yield Unreachable()

    @classmethod
    def of(cls, criterion: Criterion, strand: int) -> "Choices | None":
        """The boxes that mean a criterion; None when boxes cannot express it."""
        parts = criterion.all if isinstance(criterion, And) else (criterion,)
        refinements: dict[str, object] = {}
        cells: list[frozenset[Cell]] = []
        for part in parts:
            inside = _cells(part)
            if inside is not None:
                cells.append(inside)
            else:
                refinements.update(_refinement(part))
        chosen = frozenset.intersection(*cells) if cells else frozenset()
        made = cls(strand=strand, cells=chosen, **refinements)  # type: ignore[arg-type]
        return made if _means_the_same(made.criterion(), criterion) else None


def _matrix(cells: frozenset[Cell]) -> Iterator[Criterion]:
    """Ticked cells as few criteria: one pair (networks, levels) if they make a rectangle, else an `or` of pairs."""
    if not cells or cells == EVERY_CELL:
        return
    rows: dict[tuple[Level, ...], list[NetworkCode]] = {}
    for network in NetworkCode:
        levels = tuple(level for level in Level if (network, level) in cells)
        if levels:
            rows.setdefault(levels, []).append(network)
    several = tuple(_row(networks, levels) for levels, networks in rows.items())
    if len(several) == 1:
        yield from several[0].all
    else:
        yield Or(tuple(row.all[0] if len(row.all) == 1 else row for row in several))


def _row(networks: Sequence[NetworkCode], levels: tuple[Level, ...]) -> And:
    criteria: list[Criterion] = []
    if len(networks) < len(NetworkCode):
        criteria.append(InNetwork(tuple(networks)))
    if len(levels) < len(Level):
        criteria.append(HasLevel(levels))
    return And(tuple(criteria))


def _cells(part: Criterion) -> frozenset[Cell] | None:
    """The cells a part of a criterion means, or None when it is not about networks and levels only."""
    match part:
        case InNetwork():
            return frozenset(product(part.root, Level))
        case HasLevel():
            return frozenset(product(NetworkCode, part.root))
        case And() if part.all:
            inside = [_cells(inner) for inner in part.all]
            return (
                frozenset.intersection(*(each for each in inside if each is not None)) if None not in inside else None
            )
        case Or():
            inside = [_cells(inner) for inner in part.any]
            return frozenset().union(*(each for each in inside if each is not None)) if None not in inside else None
    return None


def _refinement(part: Criterion) -> dict[str, object]:
    boxes: dict[str, object] = {}
    match part:
        case SchoolStatus():
            boxes = {"statuses": part.statuses, "which": part.which}
        case RolledUp():
            boxes = {"roll_ups": part.states}
        case InZone():
            boxes = {"zones": part.root}
        case NeverAnswered():
            boxes = {"never_answered": True}
        case NotWrittenSince():
            boxes = {"quiet_days": part.days}
        case Unreachable():
            boxes = {"unreachable": True}
    return boxes


def _means_the_same(made: Criterion, asked: Criterion) -> bool:
    """Whether the boxes lose nothing: the same cells, and the same refinements in any order."""
    return _split(made) == _split(asked)


def _split(criterion: Criterion) -> tuple[frozenset[Cell], set[Criterion]]:
    parts = criterion.all if isinstance(criterion, And) else (criterion,)
    cells = [inside for part in parts if (inside := _cells(part)) is not None]
    others = {part for part in parts if _cells(part) is None}
    return (frozenset.intersection(*cells) if cells else EVERY_CELL), others
