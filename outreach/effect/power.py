"""What a planned draw could detect: the chances that it concludes, by the effect and by how many join anyway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb, inf

from outreach.effect.interval import Side, difference
from outreach.effect.tables import WINDOW

WANTED = 0.8
STEP = 0.001
LARGEST = 0.5
RARE, OFTEN = 0.004, 0.02
"""Shares that join in a week anyway, of which plans speak."""
NEGLIGIBLE = 1e-7
Sizes = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Detectable:
    """The effects, as shares, that 8 draws in 10 would see: at few and at many joinings, and of two halves at few."""

    drawn: int
    rare: float
    often: float
    halves: float


def detectable(sizes: Sequence[int], length: int = WINDOW) -> Detectable:
    """What a draw of strata of these sizes could detect with departures `length` days apart."""
    rare, often = within(RARE, length), within(OFTEN, length)
    return Detectable(
        sum(sizes), least(thirds(sizes, rare), rare), least(thirds(sizes, often), often), least(halves(sizes), rare)
    )


def within(weekly: float, length: int) -> float:
    """The share that joins in so many days, where `weekly` of those left do each week."""
    return 1 - float((1 - weekly) ** (length / 7))


def thirds(sizes: Sequence[int], base: float) -> tuple[float, float]:
    """The effective sizes of three departures, of those written to and of those that wait."""
    return _effective([pair for size in sizes for pair in _pairs(size, base)])


def halves(sizes: Sequence[int]) -> tuple[float, float]:
    """The effective sizes of two departures, which make one table a stratum."""
    return _effective([(len(range(0, size, 2)), len(range(1, size, 2))) for size in sizes])


def _pairs(size: int, base: float) -> Iterator[tuple[float, float]]:
    one, two, three = (len(range(first, size, 3)) for first in range(3))
    yield one, two + three
    yield two * (1 - base), three * (1 - base)


def _effective(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    kept = [(n1, n0) for n1, n0 in pairs if n1 and n0]
    weights = [n1 * n0 / (n1 + n0) for n1, n0 in kept]
    total = sum(weights)
    sides = zip(*kept, strict=True)
    m1, m0 = (1 / sum((w / total) ** 2 / n for w, n in zip(weights, side, strict=True)) for side in sides)
    return m1, m0


def power(sizes: tuple[float, float], base: float, effect: float) -> float:
    """The chance that the interval is above 0, of `base` + `effect` among those written to and `base` among the rest.

    Both counts are binomial with the effective sizes, rounded.
    """
    m1, m0 = (max(round(size), 1) for size in sizes)
    return sum(
        chance1 * chance0
        for y1, chance1 in _binomial(m1, min(base + effect, 1.0))
        for y0, chance0 in _binomial(m0, base)
        if difference(Side(y1 / m1, m1), Side(y0 / m0, m0)).low > 0
    )


def least(sizes: tuple[float, float], base: float) -> float:
    """The least effect, in steps of 0.1 points, that is seen with a chance of 0.8; infinite where none is."""
    low, high = 0, round(LARGEST / STEP)
    if power(sizes, base, high * STEP) < WANTED:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(sizes, base, middle * STEP) >= WANTED else (middle, high)
    return high * STEP


@lru_cache(maxsize=64)
def _binomial(size: int, share: float) -> list[tuple[int, float]]:
    """The counts that are not negligible, each with its chance."""
    chances = [(count, comb(size, count) * share**count * (1 - share) ** (size - count)) for count in range(size + 1)]
    return [(count, chance) for count, chance in chances if chance > NEGLIGIBLE]
