"""How much campaigns differ: each play draws one factor that is common to all networks and waves.

Networks that were drawn apart would average their chances out, and an interval of 80 % would hold in half of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from random import Random

PSEUDO = 20
"""Authorities of the class's own rate that count beside those of a network."""
PRIOR_SPREAD, PRIOR_WEIGHT = 0.5, 3
"""The spread of log-odds between campaigns that is supposed before any, and how many squares it counts for."""
GUESS = (0.8, 39.0)
"""The Beta distribution of the share that joins, where no campaign of the class is known: a guess, and said to be."""
FARTHEST = 30.0
"""A shift beyond it is as good as none or all, and its exponential soon is no number."""
Counts = Mapping[str, tuple[int, int]]
"""By network: how many joined, and of how many."""


@dataclass(frozen=True, slots=True)
class History:
    """What earlier campaigns of a class showed, each by network, the oldest first."""

    campaigns: Sequence[Counts]

    @property
    def is_guess(self) -> bool:
        """Whether nothing is known, so that a rehearsal stands on a guess."""
        return not self.campaigns

    def rates(self, chance: Random, networks: Sequence[str]) -> dict[str, float]:
        """The share that joins in each network, in one play."""
        if self.is_guess:
            return dict.fromkeys(networks, chance.betavariate(*GUESS))
        shift = _shift(chance, [logit(*_total(campaign)) for campaign in self.campaigns])
        return {network: _moved(self._shrunk(network), shift) for network in networks}

    def _shrunk(self, network: str) -> float:
        """A network's rate over all campaigns, shrunk to that of the class by 20 pseudo-authorities."""
        joined, of = _total({str(at): counts.get(network, (0, 0)) for at, counts in enumerate(self.campaigns)})
        of_class = _typical([logit(*_total(campaign)) for campaign in self.campaigns])
        return (joined + PSEUDO * of_class) / (of + PSEUDO)


def spread(logits: Sequence[float]) -> float:
    """The variance v of log-odds between campaigns: (3·0.5² + Σ(logit − mean)²)/(2 + C), of C earlier campaigns."""
    mean = sum(logits) / len(logits)
    squares = sum((one - mean) ** 2 for one in logits)
    return (PRIOR_WEIGHT * PRIOR_SPREAD**2 + squares) / (2 + len(logits))


def logit(joined: int, of: int) -> float:
    """The log-odds of a share, half an authority added to either side so that none and all have some."""
    return log((joined + 0.5) / (of - joined + 0.5))


def _typical(logits: Sequence[float]) -> float:
    return 1 / (1 + exp(-sum(logits) / len(logits)))


def _shift(chance: Random, logits: Sequence[float]) -> float:
    """The factor of a play: t(2 + C)·√(v(1 + 1/C))."""
    earlier = len(logits)
    shift = student(chance, 2 + earlier) * sqrt(spread(logits) * (1 + 1 / earlier))
    return max(-FARTHEST, min(FARTHEST, shift))


def student(chance: Random, freedom: int) -> float:
    """A value of Student's t distribution with so many degrees of freedom."""
    return chance.gauss(0, 1) / sqrt(chance.gammavariate(freedom / 2, 2) / freedom)


def _moved(share: float, shift: float) -> float:
    return 1 / (1 + (1 - share) / share * exp(-shift))


def _total(counts: Counts) -> tuple[int, int]:
    joined, of = zip(*counts.values(), strict=True) if counts else ((), ())
    return sum(joined), sum(of)
