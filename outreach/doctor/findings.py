"""What a check is given, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from outreach.db import Database
from outreach.errors import Refused
from outreach.settings import Settings

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
    told: str


@dataclass(frozen=True)
class Examined:
    """The installation that is asked about. `opened` is None where its SQLite file does not exist."""

    settings: Settings
    opened: Database | None
    environment: Mapping[str, str]

    @property
    def database(self) -> Database:
        """The database. Raises Refused where there is none: opening it would make an empty one."""
        if self.opened is None:
            raise Refused(NO_DATABASE)
        return self.opened


class Check(NamedTuple):
    """One thing to look at: its name, its French label, how long it may take, and what looks at it."""

    name: str
    label: str
    seconds: float
    look: Callable[[Examined], Finding]


def ok(told: str) -> Finding:
    """It is as it should be."""
    return Finding(HealthState.OK, told)


def warning(told: str) -> Finding:
    """It works, and wants somebody's attention."""
    return Finding(HealthState.WARNING, told)


def fault(told: str) -> Finding:
    """It does not work."""
    return Finding(HealthState.FAULT, told)


def worst(findings: list[Finding]) -> Finding:
    """Several findings as one: the worst state, all that was told."""
    gravest = max((finding.state for finding in findings), key=list(HealthState).index)
    return Finding(gravest, " ".join(finding.told for finding in findings))
