"""What is compared: two tables a stratum, of joinings by departure and day.

Departure 1 stands against 2 and 3 while neither of these has left; then 2 against 3, among those that had not joined by
then. Departure 1 leaves the comparison when departure 2 leaves, as those of it that are left are survivors. Nothing is
compared once all are written to (Thompson 2018, within periods; Kenny 2022).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from outreach.effect.draw import DEPARTURES, DrawnStratum

WINDOW = 14
Triple = tuple[int, int, int]
"""A count for each departure."""


class Period(IntEnum):
    """When an authority joined, of which days are compared."""

    BEFORE = 0
    FIRST = 1
    BETWEEN = 2
    SECOND = 3
    AFTER = 4


@dataclass(frozen=True, slots=True)
class Windows:
    """The days that are compared, counted from departure 1: [0, length) and [second, second + length).

    `second` is the day of departure 2, which is later than planned where a closure moved it.
    """

    length: int = WINDOW
    second: int = WINDOW

    def __post_init__(self) -> None:
        if not 0 < self.length <= self.second:
            raise ValueError("departure 2 left within the window of departure 1")

    @property
    def end(self) -> int:
        """The first day that is not compared."""
        return self.second + self.length

    def period(self, day: int) -> Period:
        """The period of a day; the day of a departure belongs to the period that it opens."""
        ends = (0, self.length, self.second, self.end)
        return Period(sum(day >= end for end in ends))


class Table(NamedTuple):
    """Those written to (`n1`) and those that wait (`n0`), and how many of each joined (`y1`, `y0`)."""

    n1: int
    y1: int
    n0: int
    y0: int

    @property
    def has_sides(self) -> bool:
        """Whether there is somebody on both sides."""
        return bool(self.n1 and self.n0)


@dataclass(frozen=True, slots=True)
class Counted:
    """A stratum counted by departure: how many were drawn, and how many joined in each compared period or before."""

    drawn: Triple
    joined: tuple[Triple, Triple, Triple, Triple]

    @property
    def tables(self) -> tuple[Table, Table]:
        """Departure 1 against 2 and 3, then 2 against 3."""
        return compared(self.drawn, *self.joined)


def compared(drawn: Triple, before: Triple, first: Triple, between: Triple, second: Triple) -> tuple[Table, Table]:
    """The two tables of a stratum, of so many drawn and so many joined in each period."""
    risk2, risk3 = drawn[1] - before[1], drawn[2] - before[2]
    left2, left3 = risk2 - first[1] - between[1], risk3 - first[2] - between[2]
    written_first = Table(drawn[0] - before[0], first[0], risk2 + risk3, first[1] + first[2])
    return written_first, Table(left2, second[1], left3, second[2])


def first_joinings(joinings: Iterable[tuple[int, date]], first_day: date) -> dict[int, int]:
    """The day, counted from departure 1, of the first joining of each authority (its FASE number)."""
    days: dict[int, int] = {}
    for fase, day in joinings:
        days[fase] = min((day - first_day).days, days.get(fase, (day - first_day).days))
    return days


def counted(strata: Sequence[DrawnStratum], joined: Mapping[int, int], windows: Windows) -> list[Counted]:
    """Each stratum counted; `joined` has the day of each joining by FASE number, negative before departure 1."""
    return [_counted(stratum, joined, windows) for stratum in strata]


def _counted(stratum: DrawnStratum, joined: Mapping[int, int], windows: Windows) -> Counted:
    counts = [[0] * DEPARTURES for _ in Period]
    for departure, fases in enumerate(stratum.departures):
        for fase in joined.keys() & fases:
            counts[windows.period(joined[fase])][departure] += 1
    before, first, between, second = ((one[0], one[1], one[2]) for one in counts[: Period.AFTER])
    sizes = [len(fases) for fases in stratum.departures]
    return Counted((sizes[0], sizes[1], sizes[2]), (before, first, between, second))
