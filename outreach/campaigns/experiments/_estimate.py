"""What a draw says: the difference of two shares, its interval of 95 %, and one word by one rule.

Plans of 0.3.0 say that a draw concludes where 9,999 redraws agree with the interval, and are told so. Later plans do
without: simulated campaigns show that the interval alone keeps its promise (docs/effect.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import accumulate, pairwise
from math import sqrt
from random import Random
from statistics import NormalDist
from typing import NamedTuple

from outreach.campaigns.experiments._design import Counted, TwoByTwo, compared
from outreach.core.text import french

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

    @property
    def word(self) -> str:
        """What it says, in one word: the limits alone decide."""
        if not self.excludes_zero:
            return "On ne peut pas conclure."
        return "Oui." if self.low > 0 else "Non, au contraire."


class Side(NamedTuple):
    """A share, and the size of the one sample that would know it as well."""

    share: float
    size: float


def interval(tables: Iterable[TwoByTwo]) -> Interval | None:
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


ALPHA = 0.05
MINUS = "−"
OFTEN_TOO_LARGE = 400
"""Below so many drawn, only effects conclude that chance has made larger."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How many more of those written to joined within the window, as a share; `first` and `second` are the totals of
    the two tables over all strata."""

    figure: Interval
    first: TwoByTwo
    second: TwoByTwo
    drawn: int


def effect(strata: Sequence[Counted], redrawn_by: bytes | None = None) -> Effect | None:
    """What the strata of a draw show; None where no two departures can be compared.

    Where a plan of 0.3.0 says so, p ≤ 0.05 by redraws (`redrawn_by` is their seed) has to agree with an interval that
    excludes 0; where it does not, the interval's nearer limit is widened to 0.
    """
    figure = interval(table for stratum in strata for table in stratum.tables)
    if figure is None:
        return None
    if figure.excludes_zero and redrawn_by is not None and p_value(strata, redrawn_by) > ALPHA:
        figure = widened(figure)
    first, second = (total(stratum.tables[place] for stratum in strata) for place in (0, 1))
    return Effect(figure, first, second, sum(sum(stratum.drawn) for stratum in strata))


def widened(figure: Interval) -> Interval:
    """The interval, its limits moved as far as needed for 0 to be within it."""
    return Interval(figure.estimate, min(figure.low, 0.0), max(figure.high, 0.0))


def total(tables: Iterable[TwoByTwo]) -> TwoByTwo:
    """The sums of many tables."""
    n1, y1, n0, y0 = (sum(column) for column in zip(*tables, strict=True))
    return TwoByTwo(n1, y1, n0, y0)


def sentence(found: Effect, days: int) -> str:
    """The word, and the sentence of joinings within so many days of the letter."""
    shown = found.first if found.first.has_sides else found.second
    both = found.first.has_sides and found.second.has_sides
    written = _joined(shown.y1, f"des {french.number(shown.n1)} PO qui avaient reçu le courriel")
    waiting = f"{french.number(shown.y0) if shown.y0 else 'aucun'} des {french.number(shown.n0)} qui l’attendaient"
    said = f"Dans les {days} jours, {written} (au moins une école), contre {waiting}"
    also = ", les départs 2 et 3 comparés de même" if both else ""
    return french.typeset(f"{found.figure.word} {said} : {_points(found.figure)}{also}.")


def _joined(count: int, whom: str) -> str:
    if not count:
        return f"aucun {whom} n’a adhéré"
    return f"{french.number(count)} {whom} {'ont' if count > 1 else 'a'} adhéré"


def _points(figure: Interval) -> str:
    """The figure in authorities of 100; round, or with as many digits as tell each number from nothing. Limits are
    rounded outwards: an interval never looks narrower than it is."""
    estimate, low, high = (Decimal(str(100 * share)) for share in figure)
    for digits in range(4):
        step = Decimal(1).scaleb(-digits)
        rounded = (estimate.quantize(step), low.quantize(step, ROUND_FLOOR), high.quantize(step, ROUND_CEILING))
        if all(point or not exact for point, exact in zip(rounded, (estimate, low, high), strict=True)):
            break
    around, under, over = (french.decimal(float(abs(point)), digits) for point in rounded)
    if not figure.excludes_zero:
        return f"entre {under}{_way(figure.low)} et {over}{_way(figure.high)} sur 100"
    near, far = (under, over) if figure.low > 0 else (over, under)
    return f"environ {around}{_way(figure.estimate)} sur 100, entre {near} et {far}"


def _way(share: float) -> str:
    return " de plus" if share > 0 else " de moins" if share < 0 else ""


def signed_points(share: float) -> str:
    """A share as points of 100 with one digit and its sign: "−0,8"."""
    points = round(100 * share, 1)
    return f"{MINUS if points < 0 else ''}{french.decimal(abs(points), 1)}"


REDRAWS = 9_999
TOLERANCE = 1e-12


def p_value(strata: Sequence[Counted], seed: bytes, redraws: int = REDRAWS) -> float:
    """The share of redraws whose difference is as large as the real one, the real one counted among them.

    Days of joinings stay; who joined is drawn again within each stratum (a test of Fisher's sharp null hypothesis).
    """
    chance = Random(seed)  # noqa: S311  # reproducible by the seed; the draw itself stands on SHA-256
    real = abs(_difference(stratum.tables for stratum in strata)) - TOLERANCE
    as_large = sum(abs(_difference(_again(one, chance) for one in strata)) >= real for _ in range(redraws))
    return (1 + as_large) / (1 + redraws)


def _again(stratum: Counted, chance: Random) -> tuple[TwoByTwo, TwoByTwo]:
    """The tables of a stratum whose joinings are drawn again among its places."""
    ends = list(accumulate((sum(period) for period in stratum.joined), initial=0))
    if not ends[-1]:
        return stratum.tables
    taken = chance.sample(b"\0" * stratum.drawn[0] + b"\1" * stratum.drawn[1] + b"\2" * stratum.drawn[2], ends[-1])
    periods = [taken[start:end] for start, end in pairwise(ends)]
    before, first, between, second = ((one.count(0), one.count(1), one.count(2)) for one in periods)
    return compared(stratum.drawn, before, first, between, second)


def _difference(strata: Iterable[tuple[TwoByTwo, TwoByTwo]]) -> float:
    """The weighted difference, as `interval` weighs it."""
    tables = [table for pair in strata for table in pair if table.has_sides]
    weight = sum(n1 * n0 / (n1 + n0) for n1, _, n0, _ in tables)
    return sum((n0 * y1 - n1 * y0) / (n1 + n0) for n1, y1, n0, y0 in tables) / weight if weight else 0.0
