"""The steps of every list that people send: received, judged, applied, undone.

What a kind of list compares and writes is its own: a `ListKind`. Judging may take seconds, so it comes before
the transaction that applies the list, and that transaction compares nothing.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import func, select

from outreach import audit
from outreach.db import Session, take_turns
from outreach.errors import NotFound, Refused
from outreach.sent_lists.grids import Opened, grid_of, kept
from outreach.sent_lists.matching import matched
from outreach.sent_lists.models import ListState, SentList
from outreach.sent_lists.plans import ListPlan
from outreach.spreadsheets.headers import Headers
from outreach.spreadsheets.tables import Grid
from outreach.spreadsheets.understanding import Holds, Understood, understood

CHANGED = "Ce qui est connu a changé entre-temps : regardez à nouveau ce que la liste changerait."


Sent = TypeVar("Sent", bound=SentList)
Plan = TypeVar("Plan", bound=ListPlan)


@dataclass(frozen=True, slots=True)
class ListJudgement(Generic[Plan]):
    """What a list would do, and what that stands on: when the latter is the same, so is the former.

    `left` are the cells of the rows left out: all that is kept of what was sent once the list is applied.
    """

    plan: Plan
    basis: object
    left: Grid


class ListKind(ABC, Generic[Sent, Plan]):
    """A kind of list: its table, its columns, its name in locks, and before the number of a list in the audit.

    `unknown` says, in French, that there is none to undo.
    """

    table: type[Sent]
    headers: Headers
    lock: str
    about: str
    unknown: str

    def hold(self, session: Session) -> None:
        """Wait until nobody else writes what this kind of list writes."""
        take_turns(session, self.lock)

    def admit(self, session: Session, received: Sent) -> None:
        """Raise Refused when a list cannot even be looked at."""

    def known(self, session: Session) -> Holds:
        """What the database knows that cells hold, by field (`understanding.understood`)."""
        del session
        return {}

    @abstractmethod
    def basis(self, session: Session, received: Sent) -> object:
        """What a comparison depends on, in a few figures."""

    @abstractmethod
    def plan(self, session: Session, received: Sent, grid: Grid) -> Plan:
        """Compare the cells of a list with what is known; writes nothing."""

    @abstractmethod
    def write(self, session: Session, received: Sent, plan: Plan, *, now: datetime, actor: str) -> str:
        """Do what a list does; returns the sentence of the audit."""

    @abstractmethod
    def restore(self, session: Session, received: Sent, *, now: datetime, actor: str) -> str:
        """Give back what was before an applied list; returns the sentence of the audit. Raises Refused."""


def receive(
    session: Session, kind: ListKind[Sent, Plan], sent: Opened, *, now: datetime, actor: str, **facts: Any
) -> Sent:
    """Store a list to be checked. `facts` are what else its table holds, by attribute.

    The same file sent twice by one person within a minute is one list. Raises Refused when the kind does not admit it.
    """
    take_turns(session, kind.lock)
    table, waits = kind.table, kind.table.state == ListState.RECEIVED
    same = select(table).where(waits, table.received_at > now - timedelta(minutes=1))
    same = same.filter_by(sha256=sent.sha256, received_by=actor)
    last = session.scalar(same.order_by(table.id.desc()).limit(1))
    if last is not None and all(getattr(last, name) == value for name, value in facts.items()):
        return last
    received = drafted(kind, sent, received_at=now, received_by=actor, **facts)
    kind.admit(session, received)
    session.add(received)
    session.flush()
    return received


def drafted(kind: ListKind[Sent, Plan], sent: Opened, **facts: Any) -> Sent:
    """A list that is not stored, to be judged."""
    made: Callable[..., Sent] = kind.table
    return made(state=ListState.RECEIVED, sha256=sent.sha256, grid=sent.grid, outcome="", **facts)


def judge(
    session: Session, kind: ListKind[Sent, Plan], received: Sent, cells: Grid | None = None
) -> ListJudgement[Plan]:
    """Compare a list with what is known; `cells` are its own, where they are not kept with it.

    Raises Refused when it was applied or undone already.

    Raises MissingColumns when a person has to say what its columns mean.
    """
    refuse_applied(received)
    basis = kind.basis(session, received)
    grid = columns_of(session, kind, received, cells).sure(kind.headers)
    plan = kind.plan(session, received, grid)
    rows = {rejection.row for rejection in plan.left_out}
    left = [record for record in grid.records if record[0] in rows] if rows else []
    return ListJudgement(plan, basis, replace(grid, records=left))


def columns_of(session: Session, kind: ListKind[Sent, Plan], received: Sent, cells: Grid | None = None) -> Understood:
    """The cells of a list by what they mean: as a person said of such a header, else by its titles and its cells."""
    grid = matched(session, kind.lock, cells or grid_of(received))
    return understood(kind.headers, grid, kind.known(session))


def apply(
    session: Session,
    kind: ListKind[Sent, Plan],
    received: Sent,
    judged: ListJudgement[Plan],
    *,
    now: datetime,
    actor: str,
    seen: str | None = None,
) -> Plan:
    """Do what a list was judged to do; of its cells, only those of the rows left out stay.

    Raises Refused when it was applied or undone already, when nothing in it changes anything, or when it would no
    longer do what was judged, or what was `seen` by the person who confirms it.
    """
    kind.hold(session)
    session.refresh(received)
    refuse_applied(received)
    plan = judged.plan
    if judged.basis != kind.basis(session, received) or seen not in {None, plan.version}:
        raise Refused(CHANGED)
    if plan.nothing:
        raise Refused(plan.nothing)
    told = kind.write(session, received, plan, now=now, actor=actor)
    received.state, received.applied_at, received.applied_by = ListState.APPLIED, now, actor
    received.outcome = json.dumps(plan.outcome(), ensure_ascii=False)
    received.grid = kept(judged.left, judged.left.records)
    audit.record(session, now, actor, told, f"{kind.about}:{received.id}")
    return plan


def take_over(
    session: Session, kind: ListKind[Sent, Plan], sent: Opened, *, now: datetime, actor: str, **facts: Any
) -> Plan:
    """Receive, judge and apply a list at once, where nobody has to see it before. Raises Refused as these do."""
    received = receive(session, kind, sent, now=now, actor=actor, **facts)
    return apply(session, kind, received, judge(session, kind, received), now=now, actor=actor)


def undo(
    session: Session, kind: ListKind[Sent, Plan], *, now: datetime, actor: str, list_id: int | None = None
) -> Sent:
    """Undo the last list applied.

    Raises NotFound when there is none, and Refused when `list_id` names an older one, or something stands on it.
    """
    kind.hold(session)
    last = last_applied(session, kind.table)
    if last is None:
        raise NotFound(kind.unknown)
    if list_id is not None and list_id != last.id:
        raise Refused("Seule la dernière liste appliquée peut être annulée.")
    told = kind.restore(session, last, now=now, actor=actor)
    last.state, last.undone_at, last.undone_by = ListState.UNDONE, now, actor
    audit.record(session, now, actor, told, f"{kind.about}:{last.id}")
    return last


def refuse_applied(received: SentList) -> None:
    """Raise Refused when a list was applied or undone already."""
    if received.state is not ListState.RECEIVED:
        raise Refused(f"Cette liste est déjà {received.state.label.lower()}.")


def last_applied(session: Session, table: type[Sent]) -> Sent | None:
    """The list of a table that was applied last and not undone."""
    query = select(table).where(table.state == ListState.APPLIED)
    return session.scalar(query.order_by(table.applied_at.desc(), table.id.desc()).limit(1))


def list_by_id(session: Session, table: type[Sent], list_id: int) -> Sent:
    """The list of a table with this key. Raises NotFound."""
    received = session.get(table, list_id)
    if received is None:
        raise NotFound("Cette liste n’existe pas, ou n’est plus gardée.")
    return received


def size(session: Session, table: type[Sent], list_id: int) -> int:
    """How many characters the cells of a list take, without reading them."""
    return session.scalar(select(func.length(table.grid)).where(table.id == list_id)) or 0


def recent(session: Session, table: type[Sent]) -> Sequence[Sent]:
    """The last lists of a table that were received, newest first."""
    return session.scalars(select(table).order_by(table.received_at.desc(), table.id.desc()).limit(10)).all()
