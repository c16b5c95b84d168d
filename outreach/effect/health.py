"""The health of a draw: what blocks its figure, and what is said beside it without ever hiding it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

MOST_EARLY = 0.05
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
