"""Redraws: how often the same rule would have shown as much, had the lot fallen otherwise and no letter mattered.

Plans of 0.3.0 say that a draw concludes where 9,999 redraws agree with the interval, and are told so. Later plans do
without: simulated campaigns show that the interval alone keeps its promise (docs/effect.md).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from random import Random

from outreach.effect.tables import Counted, Table, compared

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


def _again(stratum: Counted, chance: Random) -> tuple[Table, Table]:
    """The tables of a stratum whose joinings are drawn again among its places."""
    ends = list(accumulate((sum(period) for period in stratum.joined), initial=0))
    if not ends[-1]:
        return stratum.tables
    taken = chance.sample(b"\0" * stratum.drawn[0] + b"\1" * stratum.drawn[1] + b"\2" * stratum.drawn[2], ends[-1])
    periods = [taken[start:end] for start, end in pairwise(ends)]
    before, first, between, second = ((one.count(0), one.count(1), one.count(2)) for one in periods)
    return compared(stratum.drawn, before, first, between, second)


def _difference(strata: Iterable[tuple[Table, Table]]) -> float:
    """The weighted difference, as `interval` weighs it."""
    tables = [table for pair in strata for table in pair if table.has_sides]
    weight = sum(n1 * n0 / (n1 + n0) for n1, _, n0, _ in tables)
    return sum((n0 * y1 - n1 * y0) / (n1 + n0) for n1, y1, n0, y0 in tables) / weight if weight else 0.0
