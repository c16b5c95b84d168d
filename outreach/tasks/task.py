"""A task: one thing that awaits somebody, why, since when, and the page where it is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

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
    REPLY = "reply", "Courriels reçus"
    RECALL = "recall", "À rappeler"
    ANSWER = "answer", "Réponses"
    MAILBOX = "mailbox", "Boîtes à corriger"


MOST_NAMED = 2
_ANSWERS = {  # by what is done about them: one, several, their tray
    "Confirmer": ("adhésion à confirmer", "adhésions à confirmer", "joined"),
    "Aider": ("demande d’aide", "demandes d’aide", "help"),
    "Corriger l’adresse": ("adresse à corriger", "adresses à corriger", "wrong_contact"),
    "Prendre acte": ("refus dont prendre acte", "refus dont prendre acte", "refused"),
}
TOGETHER = {  # groups of tasks that have a page with all of them: one, several, its path
    **{
        (TaskKind.ANSWER, action): ((one, several), f"/responses?tray={tray}&owner=todo")
        for action, (one, several, tray) in _ANSWERS.items()
    },
    **{
        (TaskKind.RECALL, action): (
            (f"{one}, à reprendre", f"{several}, à reprendre"),
            f"/responses?tray={tray}&owner=me&recall=any",
        )
        for action, (one, several, tray) in _ANSWERS.items()
    },
    (TaskKind.RECALL, "Appeler"): (
        ("pouvoir organisateur à rappeler", "pouvoirs organisateurs à rappeler"),
        "/directory/reachability?owner=me&recall=1",
    ),
    (TaskKind.MAILBOX, "Corriger"): (
        ("pouvoir organisateur que vous suivez", "pouvoirs organisateurs que vous suivez"),
        "/directory/reachability?owner=me",
    ),
    (TaskKind.PROPOSAL, "Accepter ou refuser"): (("proposition reçue", "propositions reçues"), "/proposals"),
}
RANKS = {kind: rank for rank, kind in enumerate(TaskKind)}


class Whose(NamedTuple):
    """The person whom tasks await, by address, with the roles that are held."""

    email: str
    roles: frozenset[RoleName]


@dataclass(frozen=True, slots=True)
class Task:
    """A thing that awaits somebody: its name, why it does, and the path of the page where one does `action`.

    `since` is the day from which it waits, None where nobody knows; one to come is in the person's calendar alone, as
    `key`. `about` is the strand, with its programme, where there are several. `waits_long` says that this is
    longer than the service promises to authorities.
    """

    kind: TaskKind
    title: str
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool = False
    key: str = ""
    about: str = ""

    @property
    def group(self) -> tuple[TaskKind, str]:
        """What is done in the same way: the kind, and the one thing to do about it."""
        return self.kind, self.action


@dataclass(frozen=True, slots=True)
class Todo:
    """Things that await somebody and are done in the same way, as one row: what they are without their number, which is
    `count`, the names of the first, why where there is one, and the page where one does `action`.

    `since` is the day of the oldest, None where nobody knows.
    """

    kind: TaskKind
    count: int
    title: str
    names: Sequence[str]
    reason: str
    since: date | None
    action: str
    path: str
    waits_long: bool

    @property
    def others(self) -> int:
        """How many it does not name."""
        return self.count - len(self.names)


def grouped(tasks: Iterable[Task]) -> list[Todo]:
    """Tasks as rows, in their order: those of a group that has a page of its own together, each other one by itself."""
    groups: dict[object, list[Task]] = {}
    for number, task in enumerate(tasks):
        groups.setdefault(task.group if task.group in TOGETHER else number, []).append(task)
    return [_row(group) for group in groups.values()]


def _row(tasks: Sequence[Task]) -> Todo:
    first, count = tasks[0], len(tasks)
    together = TOGETHER.get(first.group)
    title = first.title if together is None else together[0][count > 1]
    return Todo(
        first.kind,
        count,
        title,
        names=[task.title for task in tasks[:MOST_NAMED]] if together else (),
        reason=first.reason if count == 1 else "",
        since=min((task.since for task in tasks if task.since), default=None),
        action=first.action,
        path=together[1] if together and count > 1 else first.path,
        waits_long=any(task.waits_long for task in tasks),
    )
