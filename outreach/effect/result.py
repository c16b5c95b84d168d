"""What a draw says: a figure with its interval, one word by one rule, and one sentence in round numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from outreach import french
from outreach.effect.interval import Interval, interval
from outreach.effect.redraws import p_value
from outreach.effect.tables import Counted, Table

ALPHA = 0.05
MINUS = "−"
OFTEN_TOO_LARGE = 400
"""Below so many drawn, only effects conclude that chance has made larger."""


@dataclass(frozen=True, slots=True)
class Effect:
    """How many more of those written to joined within the window, as a share; `first` and `second` are the totals of
    the two tables over all strata."""

    figure: Interval
    first: Table
    second: Table
    drawn: int

    @property
    def word(self) -> str:
        """What it says, in one word: the interval alone decides."""
        if not self.figure.excludes_zero:
            return "On ne peut pas conclure."
        return "Oui." if self.figure.low > 0 else "Non, au contraire."


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


def total(tables: Iterable[Table]) -> Table:
    """The sums of many tables."""
    n1, y1, n0, y0 = (sum(column) for column in zip(*tables, strict=True))
    return Table(n1, y1, n0, y0)


def sentence(found: Effect, days: int) -> str:
    """The word, and the sentence of joinings within so many days of the letter."""
    shown = found.first if found.first.has_sides else found.second
    both = found.first.has_sides and found.second.has_sides
    written = _joined(shown.y1, f"des {french.number(shown.n1)} PO qui avaient reçu le courriel")
    waiting = f"{french.number(shown.y0) if shown.y0 else 'aucun'} des {french.number(shown.n0)} qui l’attendaient"
    said = f"Dans les {days} jours, {written} (au moins une école), contre {waiting}"
    also = ", les départs 2 et 3 comparés de même" if both else ""
    return french.typeset(f"{found.word} {said} : {_points(found.figure)}{also}.")


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


def signed(share: float) -> str:
    """A share as points of 100 with one digit and its sign: "−0,8"."""
    points = round(100 * share, 1)
    return f"{MINUS if points < 0 else ''}{french.decimal(abs(points), 1)}"
