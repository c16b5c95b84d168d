"""Forecasts as spans of 80 %, and how good they were: held or not, and the fair CRPS (Gneiting–Raftery 2007)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

PLAYS = 199
"""Of so many plays the 20th to the 180th value have 160 of 200 gaps between them, which is 80 % exactly."""


class Span(NamedTuple):
    """The values between which 80 % of the plays lie, and the middle one."""

    low: int
    middle: int
    high: int

    def holds(self, observed: int) -> bool:
        """Whether what came was within the span."""
        return self.low <= observed <= self.high


def span(values: Sequence[int]) -> Span:
    """The span of 80 % of some plays: of 199, the 20th, 100th and 180th value. Their number is one less than tens."""
    if (len(values) + 1) % 10:
        raise ValueError(f"no plays are exactly 80 % of {len(values)}")
    ordered, tenth = sorted(values), (len(values) + 1) // 10
    return Span(ordered[tenth - 1], ordered[len(values) // 2], ordered[9 * tenth - 1])


def fair_crps(values: Sequence[float], observed: float) -> float:
    """The fair continuous ranked probability score of some plays against what came, in the same unit; 0 is best.

    The mean distance to what came, less half the mean distance of two different plays.
    """
    count, ordered = len(values), sorted(values)
    distance = sum(abs(value - observed) for value in ordered) / count
    # Each gap between neighbours is crossed by every pair with one play on either side.
    pairs = sum((high - low) * below * (count - below) for below, (low, high) in enumerate(pairwise(ordered), 1))
    return distance - pairs / (count * (count - 1))
