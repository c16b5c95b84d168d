"""Rehearsals of classes of campaigns whose spread is known: how often 80 % of the plays hold the total that came.

`./run bench effect --only forecast` plays them. Beside the factor that is common to all networks and waves stands one
drawn for each of them: what an interval of 80 % would then hold.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import exp, log, log1p
from random import Random
from typing import Any

from outreach.effect.rehearsal.factor import History
from outreach.effect.rehearsal.scores import PLAYS, span

NETWORKS = {"A": 667, "B": 265, "C": 46}  # as in the register, without those that stay outside a draw
TYPICAL, APART = 0.05, 0.4  # the share that joins, and how far apart the log-odds of networks are
WAVES = 4
NEGLIGIBLE = 1e-9
SPREADS, EARLIER = (0.5, 0.8), (1, 3, 10)


@dataclass(frozen=True)
class Held:
    """How often 80 % of the plays held the total, with one factor for all and with one for each network and wave."""

    spread: float
    earlier: int
    campaigns: int
    common: float
    apart: float


def played(campaigns: int) -> Iterator[Held]:
    for spread in SPREADS:
        for earlier in EARLIER:
            yield _played(spread, earlier, campaigns)


def _played(spread: float, earlier: int, campaigns: int) -> Held:
    chance = Random(f"{spread} {earlier}")
    held = [_held(chance, spread, earlier) for _ in range(campaigns)]
    common, apart = (sum(one) / campaigns for one in zip(*held, strict=True))
    return Held(spread, earlier, campaigns, common, apart)


def _held(chance: Random, spread: float, earlier: int) -> tuple[bool, bool]:
    own = {network: chance.gauss(0, APART) for network in NETWORKS}
    history = History([_campaign(chance, spread, own) for _ in range(earlier)])
    came = sum(joined for joined, _ in _campaign(chance, spread, own).values())
    common = [_total(chance, history.rates(chance, list(NETWORKS))) for _ in range(PLAYS)]
    apart = [_total(chance, _shares_apart(chance, history)) for _ in range(PLAYS)]
    return span(common).holds(came), span(apart).holds(came)


def _shares_apart(chance: Random, history: History) -> dict[str, float]:
    """Each network's share, a factor of its own drawn for each of its waves."""
    return {one: sum(history.rates(chance, [one])[one] for _ in range(WAVES)) / WAVES for one in NETWORKS}


def _campaign(chance: Random, spread: float, own: dict[str, float]) -> dict[str, tuple[int, int]]:
    odds = log(TYPICAL / (1 - TYPICAL)) + chance.gauss(0, spread)
    shares = {network: 1 / (1 + exp(-odds - own[network])) for network in NETWORKS}
    return {network: (binomial(chance, size, shares[network]), size) for network, size in NETWORKS.items()}


def _total(chance: Random, shares: dict[str, float]) -> int:
    return sum(binomial(chance, NETWORKS[network], share) for network, share in shares.items())


def binomial(chance: Random, size: int, share: float) -> int:
    """How many of `size` succeed: the failures before each success are geometric."""
    if share > 0.5:
        return size - binomial(chance, size, 1 - share)
    if share < NEGLIGIBLE:
        return 0
    scale, place, count = log1p(-share), 0, 0
    while True:
        place += int(log(1 - chance.random()) / scale) + 1
        if place > size:
            return count
        count += 1


def row(held: Held) -> dict[str, Any]:
    return asdict(held)


def line(held: Held) -> str:
    return f"| {held.spread} | {held.earlier} | {held.common:.1%} | {held.apart:.1%} |"
