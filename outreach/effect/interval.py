"""The difference of two shares over many tables, and its interval of 95 %."""

from collections.abc import Iterable
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

from outreach.effect.tables import Table

Z = NormalDist().inv_cdf(0.975)


class Interval(NamedTuple):
    """An estimate between its limits, as shares: 0.04 is 4 authorities in 100."""

    estimate: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether both limits are on one side of 0."""
        return self.low > 0 or self.high < 0


class Side(NamedTuple):
    """A share, and the size of the one sample that would know it as well."""

    share: float
    size: float


def interval(tables: Iterable[Table]) -> Interval | None:
    """The weighted difference p1 − p0 with its limits; None where no table has two sides.

    Weights are n1·n0/(n1 + n0), normalised (Mantel–Haenszel). The limits are Newcombe's (1998, method 10), which are
    MOVER on the limits of Wilson (Donner–Zou 2012), with the effective sizes 1/Σ(w²/n).
    """
    kept = [table for table in tables if table.has_sides]
    if not kept:
        return None
    weights = [table.n1 * table.n0 / (table.n1 + table.n0) for table in kept]
    total = sum(weights)
    shares = [weight / total for weight in weights]
    written = _side(shares, [(table.n1, table.y1) for table in kept])
    waiting = _side(shares, [(table.n0, table.y0) for table in kept])
    return difference(written, waiting)


def _side(weights: list[float], counts: list[tuple[int, int]]) -> Side:
    weighted = list(zip(weights, counts, strict=True))
    share = sum(weight * joined / size for weight, (size, joined) in weighted)
    return Side(share, 1 / sum(weight**2 / size for weight, (size, _) in weighted))


def difference(one: Side, other: Side) -> Interval:
    """The difference of two independent shares with its limits (Newcombe 1998, method 10)."""
    (low1, high1), (low0, high0) = wilson(one), wilson(other)
    estimate = one.share - other.share
    below = sqrt((one.share - low1) ** 2 + (high0 - other.share) ** 2)
    above = sqrt((high1 - one.share) ** 2 + (other.share - low0) ** 2)
    return Interval(estimate, estimate - below, estimate + above)


def wilson(side: Side) -> tuple[float, float]:
    """The limits of a share (Wilson 1927), without correction."""
    spread = Z**2 / side.size
    middle = side.share + spread / 2
    half = sqrt(max(spread * (side.share * (1 - side.share) + spread / 4), 0))
    return (middle - half) / (1 + spread), (middle + half) / (1 + spread)
