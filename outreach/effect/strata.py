"""Strata: the groups of alike authorities within which departures are drawn, and who stays outside the draw."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from outreach.labelled import Labelled

SMALLEST_STRATUM = 6
"""Authorities; below it a stratum would have one or none in a departure."""
SMALLEST_DRAW = 200
"""Authorities; below it only large effects would be seen (docs/effect.md)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An authority that a campaign would write to, by its FASE number, and what strata are made of.

    `network` is the network's French name. `has_several` says that it has more than one school. `is_under_way` says
    that it is in preparation or has launched a tender. `shares_mailbox` says that another listed authority is written
    to at the same address.
    """

    fase: int
    network: str
    has_several: bool
    is_under_way: bool
    shares_mailbox: bool = False

    @property
    def splits(self) -> tuple[str, str, str]:
        """The French names of the three splits, the last to be dropped first."""
        schools = "plusieurs écoles" if self.has_several else "une école"
        return self.network, schools, "en préparation ou marché lancé" if self.is_under_way else "autres"


class Reason(Labelled):
    """Why an authority stays outside a draw. It is written to with the first departure."""

    SHARED_MAILBOX = "shared_mailbox", "partage une boîte avec un autre PO"
    TOO_FEW = "too_few", "trop peu de PO semblables"


@dataclass(frozen=True, slots=True)
class Stratum:
    """The authorities of a stratum, by their FASE numbers in ascending order, and its French name."""

    name: str
    fases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stratified:
    """The strata of a list by name, and who stays outside, by FASE number."""

    strata: tuple[Stratum, ...]
    outside: dict[int, Reason]

    @property
    def drawn(self) -> int:
        """How many authorities are drawn."""
        return sum(len(stratum.fases) for stratum in self.strata)


def stratified(listed: Sequence[Listed]) -> Stratified:
    """The strata of a list: network × one or several schools × under way or not.

    Where either half of a split has fewer than 6 authorities, that split is not made: first the last, then the second.
    Who shares a mailbox stays outside, and so does a network that has fewer than 6 in all. The result does not depend
    on the order of the list.
    """
    apart = [one for one in listed if not one.shares_mailbox]
    outside = {one.fase: Reason.SHARED_MAILBOX for one in listed if one.shares_mailbox}
    strata = []
    for name, fases in _split((), apart):
        if len(fases) < SMALLEST_STRATUM:
            outside |= dict.fromkeys(fases, Reason.TOO_FEW)
        else:
            strata.append(Stratum(name, fases))
    return Stratified(tuple(sorted(strata, key=lambda one: one.name)), dict(sorted(outside.items())))


Named = tuple[str, tuple[int, ...]]


def _split(names: tuple[str, ...], listed: list[Listed]) -> list[Named]:
    """Each part of a list that no further split divides, by its name."""
    parts = _parts(len(names), listed)
    is_whole = len(names) == 3 or (names and any(len(part) < SMALLEST_STRATUM for part in parts.values()))
    if is_whole:
        return [(", ".join(names), tuple(sorted(one.fase for one in listed)))]
    return [named for name, part in parts.items() for named in _split((*names, name), part)]


def _parts(depth: int, listed: list[Listed]) -> dict[str, list[Listed]]:
    parts: dict[str, list[Listed]] = defaultdict(list)
    for one in listed if depth < 3 else ():
        parts[one.splits[depth]].append(one)
    return parts
