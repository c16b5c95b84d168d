"""Applies what senders sent: all that waits of one becomes a joining list; what cannot be read waits for staff.

Thousands of deliveries of one joining each are a few lists: comparing a list with what is known takes a tenth of a
second whatever its length.
"""

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload

from outreach.adherence import programmes
from outreach.adherence.joining_lists import coverage
from outreach.adherence.joining_lists.lists import JoiningLists, JoiningPlan
from outreach.adherence.joining_lists.past import NotesMoved, no_notes
from outreach.adherence.joining_lists.stated import StatedJoining, opened
from outreach.adherence.models import Status
from outreach.days import parse_day, today
from outreach.db import Database, Session, take_turns
from outreach.errors import InputError, OutreachError, Refused
from outreach.sent_lists import steps
from outreach.sent_lists.grids import Opened
from outreach.sent_lists.steps import ListJudgement
from outreach.webhooks.incoming.models import DeliveryState, HookDelivery, HookRow, HookSender

MOST_ROWS = 5_000
UNREAD = "Cette ligne ne se lit pas : il faut « school », « strand », « status » et « day »."
UNAPPLIED = "L’envoi de cette ligne n’a pas pu être appliqué. Réessayez-la, seule, ou écartez-la."
UNFIT = (OutreachError, ValueError, TypeError, LookupError, DataError, IntegrityError)  # what is due to a delivery
SET_ASIDE = {"event": "delivery_set_aside"}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What waits of one sender: its deliveries, their rows as joinings with the delivery of each, and those unread.

    `complete_until` is the latest day until which it says that it has sent all joinings of its networks.
    """

    sender: HookSender
    deliveries: Sequence[int]
    joinings: Sequence[tuple[StatedJoining, int, str]]
    unread: Sequence[tuple[int, str]]
    complete_until: date | None


def apply_waiting(database: Database, now: datetime, notes: NotesMoved = no_notes) -> int:
    """Apply all that waits, list by list, each in a short transaction; returns how many deliveries these were.

    `notes` finds those that a list contradicts, which stay named with it.
    A delivery that cannot be applied waits for staff, and others go on: a list that fails is halved until it is found.
    """
    applied, most, later = 0, MOST_ROWS, set[int]()
    while True:
        with database.reading() as session:
            gathered = gather(session, most=most, later=later)
        if gathered is None:
            return applied
        count = len(gathered.deliveries)
        try:
            _apply_list(database, gathered, now, notes)
        except Refused:  # something else was recorded meanwhile: the next pass compares anew
            later.add(gathered.sender.id)
            continue
        except UNFIT as fault:
            if count > 1:
                most = count // 2
                continue
            logger.warning(
                "delivery %s waits for staff: %s", gathered.deliveries[0], type(fault).__name__, extra=SET_ASIDE
            )
            with database.writing() as session:
                set_aside(session, gathered.deliveries[0], now=now)
        applied, most = applied + count, MOST_ROWS


def _apply_list(database: Database, gathered: Gathered, now: datetime, notes: NotesMoved) -> None:
    with database.reading() as session:
        judged = judge(session, gathered, now=now, notes=notes)
    with database.writing() as session:
        apply(session, gathered, judged, now=now)


def gather(session: Session, *, most: int = MOST_ROWS, later: Collection[int] = ()) -> Gathered | None:
    """What waits longest of one sender, `most` deliveries and about five thousand rows at most; None where nothing
    waits. The senders `later` are left out.
    """
    waits = HookDelivery.state == DeliveryState.WAITING
    oldest = (
        select(HookDelivery).where(waits, HookDelivery.sender_id.not_in(later)).options(joinedload(HookDelivery.sender))
    )
    first = session.scalar(oldest.order_by(HookDelivery.id).limit(1))
    if first is None:
        return None
    before = func.sum(HookDelivery.rows).over(order_by=HookDelivery.id) - HookDelivery.rows
    query = select(HookDelivery.id, HookDelivery.body, HookDelivery.complete_until, before.label("before"))
    rows = query.where(waits, HookDelivery.sender_id == first.sender_id).order_by(HookDelivery.id).limit(most)
    found = [(key, body, until) for key, body, until, rows_before in session.execute(rows) if rows_before < MOST_ROWS]
    joinings, unread = [], []
    for key, body, _ in found:
        for row in _rows(body):
            text = json.dumps(row, ensure_ascii=False)
            try:
                joinings.append((_stated(row, first.sender.name), key, text))
            except InputError:
                unread.append((key, text))
    until = max((day for _, _, day in found if day), default=None)
    return Gathered(first.sender, [key for key, _, _ in found], _last_of_each(joinings), unread, until)


def set_aside(session: Session, number: int, *, now: datetime) -> None:
    """Leave each row of a delivery that cannot be applied to staff."""
    take_turns(session, "hook-applying")
    delivery = session.get_one(HookDelivery, number)
    if delivery.state is not DeliveryState.WAITING:
        return
    delivery.state, delivery.applied_at = DeliveryState.APPLIED, now
    for row in _rows(delivery.body):
        session.add(HookRow(delivery_id=number, content=json.dumps(row, ensure_ascii=False), fault=UNAPPLIED))


def judge(
    session: Session, gathered: Gathered, *, now: datetime, notes: NotesMoved = no_notes
) -> ListJudgement[JoiningPlan] | None:
    """Compare what was gathered with what is known; None where no row of it can be read."""
    if not gathered.joinings:
        return None
    kind = JoiningLists(today(now), notes)
    return steps.judge(session, kind, steps.drafted(kind, _opened(gathered), **_facts(session, gathered, now)))


def apply(session: Session, gathered: Gathered, judged: ListJudgement[JoiningPlan] | None, *, now: datetime) -> None:
    """Apply what was judged as a joining list, and keep the rows left out for staff.

    Raises Refused where it was applied meanwhile, or what is known has changed.
    """
    take_turns(session, "hook-applying")
    keys = list(gathered.deliveries)
    waiting = select(func.count()).where(HookDelivery.id.in_(keys), HookDelivery.state == DeliveryState.WAITING)
    if session.scalar(waiting) != len(keys):
        raise Refused("Ces envois sont déjà appliqués.")
    received = None
    if judged is not None and not judged.plan.nothing:
        of, actor = _opened(gathered), gathered.sender.actor
        kind, facts = JoiningLists(today(now)), _facts(session, gathered, now)
        received = steps.receive(session, kind, of, now=now, actor=actor, **facts)
        steps.apply(session, kind, received, judged, now=now, actor=actor)
    left_out = [(key, text, UNREAD) for key, text in gathered.unread]
    for rejection in judged.plan.rejected if judged else ():
        _, key, text = gathered.joinings[rejection.row - 1]
        left_out.append((key, text, rejection.message))
    session.add_all(HookRow(delivery_id=key, content=text, fault=fault) for key, text, fault in left_out)
    of_each = Counter(key for key, _, _ in left_out)
    for one in session.scalars(select(HookDelivery).where(HookDelivery.id.in_(keys))):
        one.state, one.applied_at = DeliveryState.APPLIED, now
        one.list_id = received.id if received and of_each[one.id] < one.rows else None


def _facts(session: Session, gathered: Gathered, now: datetime) -> dict[str, Any]:
    """What the list is about, and what it is complete for: the networks that its sender was allowed for."""
    networks, until = json.loads(gathered.sender.networks), gathered.complete_until
    covered = coverage.stated(session, until, networks, today(now)) if until and networks else None
    about = gathered.sender.programme_id or programmes.named(session).id
    return {"programme_id": about, "coverage": covered}


def _opened(gathered: Gathered) -> Opened:
    return opened([joining for joining, _, _ in gathered.joinings], gathered.sender.name)


def _last_of_each(joinings: Iterable[tuple[StatedJoining, int, str]]) -> list[tuple[StatedJoining, int, str]]:
    """Of several joinings of one school, strand and day the last: a service that corrects itself says it once more."""
    last: dict[tuple[int, int, date], tuple[StatedJoining, int, str]] = {}
    for joining, key, text in joinings:
        last[joining.school, joining.strand, joining.day] = joining, key, text
    return list(last.values())


def _rows(body: str) -> Sequence[object]:
    """The rows of a body; itself as the only one where it cannot be read."""
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError):
        return [body]
    return rows if isinstance(rows, list) else [rows]


def _stated(row: object, source: str) -> StatedJoining:
    """A row as a joining. Raises InputError."""
    if not isinstance(row, dict):
        raise InputError(UNREAD)
    school, strand = (_number(row.get(name)) for name in ("school", "strand"))
    try:
        status = Status(str(row.get("status")))
    except ValueError:
        raise InputError(UNREAD) from None
    texts = [str(row.get(name) or "") for name in ("day", "source", "reason")]
    return StatedJoining(school, strand, status, parse_day(texts[0]), texts[1] or source, texts[2])


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**9:
        raise InputError(UNREAD)
    return int(value)
