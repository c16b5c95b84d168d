"""A task: one thing that awaits somebody, why, since when, and the page where it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from outreach.columns import Column, Kind, On
from outreach.labelled import Labelled
from outreach.roles import RoleName


class TaskKind(Labelled):
    """Why something awaits somebody, the most urgent first."""

    ALERT = "alert", "Alertes"
    APPROVAL = "approval", "À valider"
    REQUEST = "request", "Notes demandées"
    CORRECTION = "correction", "Notes à corriger"
    PROPOSAL = "proposal", "Propositions reçues"
    RETURNED = "returned", "À corriger"
    UNPLANNED = "unplanned", "À planifier"
    RECALL = "recall", "À rappeler"
    ANSWER = "answer", "Réponses"
    MAILBOX = "mailbox", "Boîtes à corriger"


RANKS = {kind: rank for rank, kind in enumerate(TaskKind)}


class Whose(NamedTuple):
    """The person whom tasks await, by address, with the roles that are held."""

    email: str
    roles: frozenset[RoleName]


@dataclass(frozen=True, slots=True)
class Task:
    """A thing that awaits somebody: its name, why it does, and the path of the page where one does `action`.

    `since` is the day from which it waits, None where nobody knows; one to come is in the person's calendar alone, as
    `key`. `waits_long` says that this is longer than the service promises to authorities.
    """

    kind: TaskKind
    title: str
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool = False
    key: str = ""

    @property
    def group(self) -> tuple[TaskKind, str]:
        """What is done in the same way: the kind, and the one thing to do about it."""
        return self.kind, self.action


COLUMNS: Sequence[Column[Task]] = (
    Column("title", "Ce qui attend", lambda task: task.title, sort=True),
    Column("kind", "Sorte", lambda task: task.kind, sort=True, on=On.FILE),
    Column("reason", "Pourquoi", lambda task: task.reason),
    Column("since", "Depuis", lambda task: task.since, Kind.DAY, sort=True),
    Column("waits_long", "Attend trop longtemps", lambda task: task.waits_long, on=On.FILE),
    Column("action", "À faire", lambda task: task.action, sort=True),
)
