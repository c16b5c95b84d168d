"""Redraws: what the same rule would have shown had the lot fallen otherwise and no letter mattered.

Plans of 0.3.0 say that a draw concludes where 9,999 redraws agree with the interval, and are told so. Later plans do
without: simulated campaigns show that the interval alone keeps its promise (docs/effect.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from outreach.effect.draw import DEPARTURES
from outreach.effect.tables import Counted, Table, Triple, compared

REDRAWS = 9_999
TOLERANCE = 1e-12
Sums = tuple[float, float]
"""Σ(n0·y1 − n1·y0)/(n1 + n0) and Σ n1·n0/(n1 + n0): their quotient is the weighted difference."""


def p_value(strata: Sequence[Counted], seed: bytes, redraws: int = REDRAWS) -> float:
    """The share of redraws whose difference is as large as the real one, the real one counted among them.

    Days of joinings stay; who joined is drawn again within each stratum (a test of Fisher's sharp null hypothesis).
    The generator is seeded by `seed`, so that the same data give the same answer.
    """
    real = abs(_quotient(_sums([table for stratum in strata for table in stratum.tables]))) - TOLERANCE
    as_large = sum(abs(one) >= real for one in _redrawn(strata, seed, redraws))
    return (1 + as_large) / (1 + redraws)


@dataclass(frozen=True, slots=True)
class _Urn:
    """A stratum's places by departure, and where the joinings of each period end in a sample of them."""

    drawn: Triple
    places: bytes
    ends: tuple[int, int, int, int]

    def again(self, chance: Random) -> Sums:
        """The two sums of this stratum, its joinings drawn again."""
        before, first, between, second = self.ends
        taken = chance.sample(self.places, second)
        periods = taken[:before], taken[before:first], taken[first:between], taken[between:]
        return _sums(compared(self.drawn, *map(_by_departure, periods)))


def _by_departure(places: list[int]) -> Triple:
    if not places:
        return 0, 0, 0
    one, two = places.count(0), places.count(1)
    return one, two, len(places) - one - two


def _redrawn(strata: Sequence[Counted], seed: bytes, redraws: int) -> Iterator[float]:
    chance = Random(seed)  # noqa: S311  # reproducible by the seed; the draw itself stands on SHA-256
    urns = [_urn(stratum) for stratum in strata]
    still = [urn for urn in urns if not urn.ends[-1]]  # nobody joined: the same sums each time
    constant = sum(urn.again(chance)[1] for urn in still)
    moving = [urn for urn in urns if urn.ends[-1]]
    for _ in range(redraws):
        sums = [urn.again(chance) for urn in moving]
        yield _quotient((sum(one for one, _ in sums), constant + sum(weight for _, weight in sums)))


def _urn(stratum: Counted) -> _Urn:
    places = bytes(one for one in range(DEPARTURES) for _ in range(stratum.drawn[one]))
    before, first, between, second = accumulate(sum(period) for period in stratum.joined)
    return _Urn(stratum.drawn, places, (before, first, between, second))


def _sums(tables: Sequence[Table]) -> Sums:
    difference = weight = 0.0
    for n1, y1, n0, y0 in tables:
        if n1 and n0:
            difference += (n0 * y1 - n1 * y0) / (n1 + n0)
            weight += n1 * n0 / (n1 + n0)
    return difference, weight


def _quotient(sums: Sums) -> float:
    difference, weight = sums
    return difference / weight if weight else 0.0
