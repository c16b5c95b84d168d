"""The draw of departures: strata, the seed, what a plan may promise; a stranger can repeat every step.

The digest of the nonce is sealed in the audit at the submission, with those of plan and list: none of them can be
changed afterwards, and whoever submits again makes another attempt, which everybody sees.

Every step can be repeated by a stranger with the standard library of any language: docs/redraw.py does so.

Departure 1 stands against 2 and 3 while neither of these has left; then 2 against 3, among those that had not joined by
then. Departure 1 leaves the comparison when departure 2 leaves, as those of it that are left are survivors. Nothing is
compared once all are written to (Thompson 2018, within periods; Kenny 2022).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

import rfc8785

from outreach.core.text import french
from outreach.core.text.labelled import Labelled

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


class DrawReason(Labelled):
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
    outside: dict[int, DrawReason]

    @property
    def drawn(self) -> int:
        """How many authorities are drawn."""
        return sum(len(stratum.fases) for stratum in self.strata)


def stratify(listed: Sequence[Listed]) -> Stratified:
    """The strata of a list: network × one or several schools × under way or not.

    Where either half of a split has fewer than 6 authorities, that split is not made: first the last, then the second.
    Who shares a mailbox stays outside, and so does a network that has fewer than 6 in all. The result does not depend
    on the order of the list.
    """
    apart = [one for one in listed if not one.shares_mailbox]
    outside = {one.fase: DrawReason.SHARED_MAILBOX for one in listed if one.shares_mailbox}
    strata = []
    for name, fases in _split((), apart):
        if len(fases) < SMALLEST_STRATUM:
            outside |= dict.fromkeys(fases, DrawReason.TOO_FEW)
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


DEPARTURES = 3
Json = str | int | bool | None | Sequence["Json"] | dict[str, "Json"]
"""What is digested: JSON without fractions, which two languages may write in two ways."""


@dataclass(frozen=True, slots=True)
class DrawnStratum:
    """A stratum whose authorities stand in the order of the draw; a place counts from 0."""

    name: str
    order: tuple[int, ...]

    @property
    def departures(self) -> tuple[tuple[int, ...], ...]:
        """The FASE numbers of each departure, in the order of the draw: a place's departure is place mod 3."""
        return tuple(self.order[first::DEPARTURES] for first in range(DEPARTURES))


class Mismatch(Labelled):
    """What of a stored draw does not follow from what was sealed."""

    NONCE = "nonce", "Le nombre secret n’est pas celui dont le code a été scellé à la soumission."
    CONTENT = "content", "Le plan n’est pas celui qui a été soumis."
    LIST = "list", "La liste des PO n’est pas celle qui a été soumise."
    ORDER = "order", "L’ordre enregistré n’est pas celui que donne le tirage."
    AUDIT = "audit", "Le code du nombre secret ou la graine n’est pas celui que dit le journal."


def canonical(value: Json) -> bytes:
    """The bytes of a JSON value in the one form of RFC 8785 (JCS)."""
    return rfc8785.dumps(value)


def list_of(strata: Iterable[Stratum]) -> list[list[str | int]]:
    """The list of a draw as it is frozen: [stratum, FASE number] of each authority, in ascending order."""
    return sorted([stratum.name, fase] for stratum in strata for fase in stratum.fases)


def digest(value: Json) -> bytes:
    """The SHA-256 of a value's canonical JSON."""
    return sha256(canonical(value)).digest()


def content_digest(content: Json, strata: Iterable[Stratum], attempt: int, approver_bytes: bytes) -> bytes:
    """The SHA-256 of the canonical JSON {approver_bytes, attempt, content, list}, bytes in hexadecimal.

    Under 0.3.0 an approver added bytes; since then they are empty, so that all draws replay by one formula.
    """
    frozen = {"content": content, "list": list_of(strata), "attempt": attempt, "approver_bytes": approver_bytes.hex()}
    return digest(frozen)


def seed_of(nonce: bytes, content: bytes) -> bytes:
    """The seed of a draw: SHA-256(nonce ‖ content digest)."""
    return sha256(nonce + content).digest()


def drawn(seed: bytes, strata: Iterable[Stratum]) -> tuple[DrawnStratum, ...]:
    """Each stratum in the order of the draw: the rank by SHA-256(seed ‖ FASE number in ASCII digits)."""
    return tuple(DrawnStratum(stratum.name, _ranked(seed, stratum.fases)) for stratum in strata)


def _ranked(seed: bytes, fases: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(fases, key=lambda fase: sha256(seed + str(fase).encode("ascii")).digest()))


WINDOW = 14
Triple = tuple[int, int, int]
"""A count for each departure."""


class Period(IntEnum):
    """When an authority joined, of which days are compared."""

    BEFORE = 0
    FIRST = 1
    BETWEEN = 2
    SECOND = 3
    AFTER = 4


@dataclass(frozen=True, slots=True)
class Windows:
    """The days that are compared, counted from departure 1: [0, length) and [second, second + length).

    `second` is the day of departure 2, which is later than planned where a closure moved it.
    """

    length: int = WINDOW
    second: int = WINDOW

    def __post_init__(self) -> None:
        if not 0 < self.length <= self.second:
            raise ValueError("departure 2 left within the window of departure 1")

    @property
    def end(self) -> int:
        """The first day that is not compared."""
        return self.second + self.length

    def period(self, day: int) -> Period:
        """The period of a day; the day of a departure belongs to the period that it opens."""
        ends = (0, self.length, self.second, self.end)
        return Period(sum(day >= end for end in ends))


class TwoByTwo(NamedTuple):
    """Those written to (`n1`) and those that wait (`n0`), and how many of each joined (`y1`, `y0`)."""

    n1: int
    y1: int
    n0: int
    y0: int

    @property
    def has_sides(self) -> bool:
        """Whether there is somebody on both sides."""
        return bool(self.n1 and self.n0)


@dataclass(frozen=True, slots=True)
class Counted:
    """A stratum counted by departure: how many were drawn, and how many joined in each compared period or before."""

    drawn: Triple
    joined: tuple[Triple, Triple, Triple, Triple]

    @property
    def tables(self) -> tuple[TwoByTwo, TwoByTwo]:
        """Departure 1 against 2 and 3, then 2 against 3."""
        return compared(self.drawn, *self.joined)


def compared(
    drawn: Triple, before: Triple, first: Triple, between: Triple, second: Triple
) -> tuple[TwoByTwo, TwoByTwo]:
    """The two tables of a stratum, of so many drawn and so many joined in each period."""
    risk2, risk3 = drawn[1] - before[1], drawn[2] - before[2]
    left2, left3 = risk2 - first[1] - between[1], risk3 - first[2] - between[2]
    written_first = TwoByTwo(drawn[0] - before[0], first[0], risk2 + risk3, first[1] + first[2])
    return written_first, TwoByTwo(left2, second[1], left3, second[2])


def first_joinings(joinings: Iterable[tuple[int, date]], first_day: date) -> dict[int, int]:
    """The day, counted from departure 1, of the first joining of each authority (its FASE number)."""
    days: dict[int, int] = {}
    for fase, day in joinings:
        days[fase] = min((day - first_day).days, days.get(fase, (day - first_day).days))
    return days


def counted(strata: Sequence[DrawnStratum], joined: Mapping[int, int], windows: Windows) -> list[Counted]:
    """Each stratum counted; `joined` has the day of each joining by FASE number, negative before departure 1."""
    return [_counted(stratum, joined, windows) for stratum in strata]


def _counted(stratum: DrawnStratum, joined: Mapping[int, int], windows: Windows) -> Counted:
    counts = [[0] * DEPARTURES for _ in Period]
    for departure, fases in enumerate(stratum.departures):
        for fase in joined.keys() & fases:
            counts[windows.period(joined[fase])][departure] += 1
    before, first, between, second = ((one[0], one[1], one[2]) for one in counts[: Period.AFTER])
    sizes = [len(fases) for fases in stratum.departures]
    return Counted((sizes[0], sizes[1], sizes[2]), (before, first, between, second))


GAPS = (WINDOW, 21)
"""Days between two departures; joinings are compared over as many days from each."""


def draw_refusals(
    drawn: int,
    departures: Sequence[date],
    *,
    is_awareness: bool = True,
    is_reminder: bool = False,
    is_first_come: bool | None = False,
    deadline: date | None = None,
    stops_on: date | None = None,
) -> list[str]:
    """Why a wave to so many authorities cannot be drawn, a French sentence for each reason, which says what to do.

    `is_first_come` is None where nobody said so far. `deadline` is a day that is the same for all, None where each
    departure counts its own; `stops_on` is the last day on which letters may leave.
    """
    last = f"Le dernier départ, le {french.day(departures[-1])}, viendrait après"
    rules = {
        f"Un tirage demande au moins {SMALLEST_DRAW} PO, et il n’y en aurait que {french.number(drawn)} : élargissez "
        "le public, ou envoyez en un seul départ.": drawn < SMALLEST_DRAW,
        "Un courriel obligatoire ou rectificatif part pour tous en même temps : envoyez-le en un seul "
        "départ.": not is_awareness,
        "Une relance suit le départ de son premier courriel : seule la première vague se tire au sort.": is_reminder,
        "Dites si des places ou des moyens sont attribués dans l’ordre des demandes, à l’étape des dates : le premier "
        "départ en profiterait.": is_first_come is None,
        "Des places ou des moyens attribués dans l’ordre des demandes favoriseraient le premier départ : envoyez en un "
        "seul départ.": is_first_come is True,
        f"{last} l’échéance : reculez-la, ou comptez-la depuis chaque départ.": bool(
            deadline and deadline < departures[-1]
        ),
        f"{last} le dernier jour d’envoi : reculez ce jour, ou videz-le.": bool(stops_on and stops_on < departures[-1]),
    }
    return [french.typeset(sentence) for sentence, is_against in rules.items() if is_against]


def effect_windows(days: Sequence[date], gap: int) -> Windows:
    """The days that are compared, of departures as they really left, as many as `gap` from each at most."""
    second = (days[1] - days[0]).days
    return Windows(min(gap, second), second)
