"""The result of a draw: a figure with its interval, and when one concludes."""

from collections.abc import Sequence
from dataclasses import dataclass

from outreach.effect.interval import Interval, interval
from outreach.effect.redraws import p_value
from outreach.effect.tables import Counted

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Effect:
    """How many more of those written to joined within the window, as a share, and whether that says anything.

    `later` is departure 1 against 3 over all compared days: what is left of it. It never is a verdict.
    """

    figure: Interval
    later: Interval | None
    is_concluded: bool
    drawn: int


def effect(strata: Sequence[Counted], redrawn_by: bytes | None = None) -> Effect | None:
    """What the strata of a draw show; None where no two departures can be compared.

    One concludes where the interval excludes 0. Where a plan of 0.3.0 says so, p ≤ 0.05 by redraws (`redrawn_by` is
    their seed) has to agree; where it does not, the interval's nearer limit is widened to 0.
    """
    figure = interval(table for stratum in strata for table in stratum.tables)
    if figure is None:
        return None
    if figure.excludes_zero and redrawn_by is not None and p_value(strata, redrawn_by) > ALPHA:
        figure = widened(figure)
    later = interval(stratum.as_drawn for stratum in strata)
    return Effect(figure, later, figure.excludes_zero, sum(sum(stratum.drawn) for stratum in strata))


def widened(figure: Interval) -> Interval:
    """The interval, its limits moved as far as needed for 0 to be within it."""
    return Interval(figure.estimate, min(figure.low, 0.0), max(figure.high, 0.0))
