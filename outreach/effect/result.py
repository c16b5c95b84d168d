"""The result of a draw, or of a programme's draws together: a figure with its interval, and when one concludes."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from outreach.effect.interval import Interval, interval
from outreach.effect.redraws import REDRAWS, p_value
from outreach.effect.tables import Counted

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Effect:
    """How many more of those written to joined within the window, as a share, and whether that says anything.

    `later` is departure 1 against 3 over all compared days: what is left of it. It never is a verdict. `p` is kept for
    whoever checks the figure, and stands on no page.
    """

    figure: Interval
    later: Interval | None
    p: float
    is_concluded: bool
    drawn: int


def effect(strata: Sequence[Counted], seed: bytes, redraws: int = REDRAWS) -> Effect | None:
    """What the strata of a draw show, or those of several draws, stacked; None where no two departures can be compared.

    One concludes only where the interval excludes 0 and the guard says p ≤ 0.05. Where only the interval does, its
    nearer limit is widened to 0.
    """
    figure = interval(table for stratum in strata for table in stratum.tables)
    if figure is None:
        return None
    later = interval(stratum.as_drawn for stratum in strata)
    p = p_value(strata, seed, redraws)
    is_concluded = figure.excludes_zero and p <= ALPHA
    shown = figure if is_concluded else widened(figure)
    return Effect(shown, later, p, is_concluded, sum(sum(stratum.drawn) for stratum in strata))


def widened(figure: Interval) -> Interval:
    """The interval, its limits moved as far as needed for 0 to be within it."""
    return Interval(figure.estimate, min(figure.low, 0.0), max(figure.high, 0.0))


def seed_of_pool(seeds: Sequence[bytes]) -> bytes:
    """The seed of the redraws of several draws together: SHA-256 of their seeds, in the order of the draws."""
    return sha256(b"".join(seeds)).digest()
