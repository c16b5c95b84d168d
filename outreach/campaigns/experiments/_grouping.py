"""The tables of a draw as strangers may read them: those that would tell of their authorities are put together.

Who is drawn, in which stratum and departure, is published. A side of a few authorities, or one of which nobody or
everybody joined, would say of named authorities that they did not join, or that they did.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from outreach.campaigns.experiments._design import TwoByTwo
from outreach.campaigns.experiments._estimate import total


@dataclass(frozen=True, slots=True)
class DrawGroup:
    """One stratum or several put together, by name, and its tables: departure 1 against 2 and 3, then 2 against 3."""

    strata: tuple[str, ...]
    tables: tuple[TwoByTwo, ...]

    @property
    def size(self) -> int:
        """How many are compared first."""
        return self.tables[0].n1 + self.tables[0].n0

    def tells(self, smallest: int) -> bool:
        """Whether a side is smaller than so many authorities, or all of it did the same."""
        sides = [side for n1, y1, n0, y0 in self.tables for side in ((n1, y1), (n0, y0))]
        return any(size < smallest or joined in {0, size} for size, joined in sides)


def group_strata(strata: Iterable[DrawGroup], smallest: int) -> list[DrawGroup]:
    """The strata, of which each that tells joins the next larger one that does, or else the smallest other.

    All in one are left where that tells, too: the totals stand on the page.
    """
    kept = sorted(strata, key=lambda group: (group.size, group.strata))
    while len(kept) > 1 and (telling := [group for group in kept if group.tells(smallest)]):
        one = telling[0]
        kept.remove(one)
        other = telling[1] if telling[1:] else kept[0]
        kept.remove(other)
        tables = tuple(total(pair) for pair in zip(one.tables, other.tables, strict=True))
        kept.append(DrawGroup(tuple(sorted((*one.strata, *other.strata))), tables))
        kept.sort(key=lambda group: (group.size, group.strata))
    return sorted(kept, key=lambda group: group.strata)
