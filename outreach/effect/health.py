"""The health of a draw: what blocks its figure, and what is said beside it without ever hiding it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from random import Random

from outreach.effect.draw import DEPARTURES
from outreach.effect.redraws import REDRAWS
from outreach.effect.tables import Triple

MOST_EARLY = 0.05
UNLIKELY = 0.001
CROWD, CROWDED_SHARE = 8, 0.4


class Block(StrEnum):
    """Why a draw has no figure."""

    NOT_REPLAYED = "not_replayed"
    NO_LIST = "no_list"
    STOPPED = "stopped"

    @property
    def label(self) -> str:
        """The French sentence."""
        return _BLOCKS[self]


_BLOCKS = {
    Block.NOT_REPLAYED: "Le tirage refait ne donne pas l’ordre enregistré : le chiffre n’est pas calculé.",
    Block.NO_LIST: "Aucune liste d’adhésions ne couvre encore tous les jours comparés : importez-en une.",
    Block.STOPPED: "La campagne s’est arrêtée avant le deuxième départ : il n’y a rien à comparer.",
}


@dataclass(frozen=True, slots=True)
class Crowd:
    """A day on which many joined at once: a ceremony, a collective decision, or an immediate success."""

    day: date
    joined: int
    of: int


def blocks(*, replays: bool, is_covered: bool, departures_left: int) -> list[Block]:
    """What blocks the figure; nothing, where it may be computed."""
    holds = {Block.NOT_REPLAYED: replays, Block.NO_LIST: is_covered, Block.STOPPED: departures_left >= 2}
    return [block for block, is_well in holds.items() if not is_well]


def are_many_early(early: int, drawn: int) -> bool:
    """Whether more than 5 % of the drawn were written to before their turn."""
    return early > MOST_EARLY * drawn


def crowd(days: Iterable[date]) -> Crowd | None:
    """The day on which at least 8 joined, and more than 40 % of all that did; None where there is none."""
    counts = Counter(days)
    joined, day = max(((count, day) for day, count in counts.items()), default=(0, date.min))
    total = counts.total()
    return Crowd(day, joined, total) if joined >= CROWD and joined > CROWDED_SHARE * total else None


def left_unevenly(strata: Sequence[tuple[Triple, Triple]], seed: bytes, redraws: int = REDRAWS) -> bool:
    """Whether those who left the register are spread over departures as chance would in less than 1 draw in 1,000.

    Each stratum has how many were drawn, and how many of them left, by departure. Compared are the squares of what
    differs from the expected, over the expected, with the same leavers drawn again.
    """
    drawn = [sum(sizes[one] for sizes, _ in strata) for one in range(DEPARTURES)]
    leavers = [(_places(sizes), sum(left)) for sizes, left in strata]
    total = sum(count for _, count in leavers)
    real = _uneven([sum(left[one] for _, left in strata) for one in range(DEPARTURES)], drawn, total)
    chance = Random(seed)  # noqa: S311  # reproducible
    as_uneven = 0
    for _ in range(redraws if total else 0):
        again = [one for places, count in leavers for one in chance.sample(places, count)]
        as_uneven += _uneven([again.count(one) for one in range(DEPARTURES)], drawn, total) >= real - 1e-9
    return bool(total) and (1 + as_uneven) / (1 + redraws) < UNLIKELY


def _places(sizes: Triple) -> bytes:
    return bytes(one for one in range(DEPARTURES) for _ in range(sizes[one]))


def _uneven(left: Sequence[int], drawn: Sequence[int], total: int) -> float:
    expected = [total * size / sum(drawn) for size in drawn]
    return sum((count - mean) ** 2 / mean for count, mean in zip(left, expected, strict=True) if mean)
