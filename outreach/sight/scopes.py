"""Whose sight it is: a federation's or a network's, by its code."""

from dataclasses import dataclass

from outreach.labelled import Labelled


class SightKind(Labelled):
    """What a sight is bound to."""

    FEDERATION = "federation", "fédération"
    NETWORK = "network", "réseau"


@dataclass(frozen=True, slots=True)
class Sight:
    """The members of a federation (by its code), with the schools of the levels for which it represents each of them;
    or the authorities of a network (by its code), with all their schools.

    Members are today's, also on a page about a day of the past. A code that names nothing sees nothing.
    """

    kind: SightKind
    code: str
