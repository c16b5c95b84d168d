"""A check: one thing that is looked at, and what its three outputs say of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import NamedTuple

from outreach.core.db import Database, Session
from outreach.core.settings import Settings
from outreach.core.text.errors import Refused
from outreach.operations.alerts import AlertKind

NOT_HERE = "Sans objet : aucun courriel ne quitte cette machine."
NO_DATABASE = "La base de données n’existe pas encore : lancez ./run migrate, ou ./run en démonstration."


class HealthState(StrEnum):
    """How a thing is. A fault keeps the service from something that it is for; a warning may become one."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """How a thing is, and in French what was found and what to do."""

    state: HealthState
    in_words: str


ok = partial(Finding, HealthState.OK)
warning = partial(Finding, HealthState.WARNING)  # it works, and wants somebody's attention
fault = partial(Finding, HealthState.FAULT)


def worst(findings: list[Finding]) -> Finding:
    """Several findings as one: the worst state, all that was told."""
    gravest = max((finding.state for finding in findings), key=list(HealthState).index)
    return Finding(gravest, " ".join(finding.in_words for finding in findings))


@dataclass(frozen=True)
class Examined:
    """The installation that the doctor is asked about. `opened` is None where its SQLite file does not exist."""

    settings: Settings
    opened: Database | None
    environment: Mapping[str, str]

    @property
    def database(self) -> Database:
        """The database. Raises Refused where there is none: opening it would make an empty one."""
        if self.opened is None:
            raise Refused(NO_DATABASE)
        return self.opened


class Watched(NamedTuple):
    """What a work process looks with: its settings, the place of its installation, its worker's identity."""

    settings: Settings
    place: str
    worker: str


Seen = dict[str, datetime]  # since when an alarm holds, by its subject
Named = tuple[Iterable[str], Mapping[str, str]]  # the installations that see an alarm, and what its words name


def of_place(_session: Session, subject: str, _relays: object) -> Named:
    """The subject is the installation that sees it, as another one may see the contrary."""
    return [subject], {}


class Alarm(NamedTuple):
    """What begins and ends, and is mailed: its words while it is so, what to do, its words once it is over.

    `look` says of which subjects it is so, None where it cannot tell; without `look` somebody notes it. What it asks
    is done `on_pages`, or on the machine: then the words say whom to call.
    """

    kind: AlertKind
    so: str
    advice: str
    over: str
    look: Callable[[Session, Watched, datetime], Seen | None] | None = None
    names: Callable[[Session, str, Sequence[str]], Named] | None = None
    on_pages: bool = False


class HealthFigure(NamedTuple):
    """A figure: its name without `outreach_`, what it says, its value or its values by a label or two.

    One that only grows, or begins anew, is a counter.
    """

    name: str
    said: str
    values: float | Mapping[str, float] | Mapping[tuple[str, str], float]
    labels: tuple[str, ...] = ()
    is_counter: bool = False


Look = Callable[[Examined], Finding]


def late(module: str, name: str) -> Look:
    """A look of a module of this room that is loaded when somebody looks: few processes ask for what it imports."""

    def look(examined: Examined) -> Finding:
        found: Look = getattr(import_module(f"outreach.operations.health._{module}"), name)
        return found(examined)

    return look


class Check(NamedTuple):
    """One thing that is looked at, with its name and its French label.

    The doctor tells what `look` finds, which may take `seconds`; `alarms` are mailed as they begin and end; `figures`
    (of the database) and `here` (of this machine) are for a monitor.
    """

    name: str
    label: str
    seconds: float = 0
    look: Look | None = None
    alarms: tuple[Alarm, ...] = ()
    figures: Callable[[Session, datetime], Iterable[HealthFigure]] | None = None
    here: Callable[[Settings], Iterable[HealthFigure]] | None = None


def age(at: datetime | None, now: datetime) -> float:
    """The seconds since a moment; 0 where there is none, or it is to come."""
    return max((now - at).total_seconds(), 0.0) if at is not None else 0.0
