"""A criterion as a page shows it: a matrix of networks and levels, then conditions, all required."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from outreach.directory.models import Level
from outreach.directory.reference import NetworkCode
from outreach.segments.criteria import And, Criterion, HasLevel, InNetwork, Or

Cell = tuple[NetworkCode, Level]
EVERY_CELL = frozenset(product(NetworkCode, Level))


@dataclass(frozen=True, slots=True)
class Choices:
    """Ticked cells and conditions. No cell ticked means every authority."""

    cells: frozenset[Cell] = frozenset()
    conditions: tuple[Criterion, ...] = ()

    def criterion(self) -> Criterion:
        """The criterion they mean."""
        return And((*_matrix(self.cells), *self.conditions))

    def only(self, network: NetworkCode) -> "Choices":
        """The same for one network only: at the levels ticked somewhere, or at all."""
        levels = {level for _, level in self.cells} or set(Level)
        return Choices(frozenset((network, level) for level in levels), self.conditions)

    @classmethod
    def of(cls, criterion: Criterion) -> "Choices":
        """The cells and conditions that mean a criterion; what cells cannot say is a condition."""
        parts = criterion.all if isinstance(criterion, And) else (criterion,)
        inside = [(part, _cells(part)) for part in parts]
        sets = [cells for _, cells in inside if cells is not None]
        cells = frozenset[Cell].intersection(*sets) if sets else frozenset[Cell]()
        if sets and not cells:  # they contradict each other: no cell ticked would mean everybody
            return cls(conditions=tuple(parts))
        return cls(cells, tuple(part for part, of_part in inside if of_part is None))


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
