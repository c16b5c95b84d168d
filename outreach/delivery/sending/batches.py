"""Batches: some hundreds of letters that one worker leases, so that several can share a mailing."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Executable, and_, bindparam, case, exists, func, or_, select, update

from outreach.db import Session, UtcDateTime, table_of
from outreach.db.compiled import Prepared
from outreach.db.in_list import among_given
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageState, Purpose, is_in

LEASE = timedelta(seconds=20)
Taken = tuple[int, ...]  # the keys of batches leased together, none if there was nothing to take
TOGETHER = 48  # mailings of one letter that are taken together: a round or a few of them


class Lane(IntEnum):
    """The mailings that share a place among the others: staff mail, each wave for itself, and single letters."""

    STAFF = 1
    WAVE = 2
    SINGLE = 3

    @classmethod
    def of(cls, purpose: Purpose) -> "Lane":
        """The lane of a mailing: alerts and links are for staff; receipts, replies and tests are single letters."""
        return {Purpose.STAFF: cls.STAFF, Purpose.CAMPAIGN: cls.WAVE}.get(purpose, cls.SINGLE)

    @property
    def purposes(self) -> list[Purpose]:
        """The purposes of this lane's mailings."""
        return [purpose for purpose in Purpose if Lane.of(purpose) is self]


class DueMailing(NamedTuple):
    """A mailing to wake a postman for. One stands for all of its lane where these are taken together."""

    id: int
    lane: Lane


def due_mailings(session: Session, *, now: datetime) -> list[int]:
    """The open mailings that have letters due in a batch that nobody holds."""
    query = select(Batch.mailing_id).where(_is_free_and_due(now)).distinct().order_by(Batch.mailing_id)
    return list(session.scalars(query))


def due_by_lane(session: Session, *, now: datetime) -> list[DueMailing]:
    """Each wave that has letters due in a batch that nobody holds, and one mailing for each other lane that has."""
    alone = case((Mailing.purpose == Purpose.CAMPAIGN, Mailing.id), else_=0)
    due = Mailing.id.in_(select(Batch.mailing_id).where(_is_free_and_due(now)))
    query = select(func.min(Mailing.id), Mailing.purpose).where(due).group_by(Mailing.purpose, alone)
    first: dict[tuple[Lane, int], int] = {}
    for number, purpose in session.execute(query.order_by(func.min(Mailing.id))):
        lane = Lane.of(purpose)
        first.setdefault((lane, number if lane is Lane.WAVE else 0), number)
    return [DueMailing(number, lane) for (lane, _), number in sorted(first.items())]


def lane_of(session: Session, mailing_id: int) -> Lane:
    """The lane of a mailing."""
    return Lane.of(session.scalars(select(Mailing.purpose).where(Mailing.id == mailing_id)).one())


def take_together(session: Session, lane: Lane, worker_id: str, *, beside: Collection[int], now: datetime) -> Taken:
    """Lease the first free batches of a lane that have letters due, 48 at most; returns their keys, in order."""
    asked = {"us": worker_id, "until": now + LEASE, "now": now, "beside": beside}
    return tuple(sorted(_TAKEN_TOGETHER[lane].keys(session, asked)))


def take(session: Session, mailing_id: int, worker_id: str, *, beside: Collection[int], now: datetime) -> Taken:
    """Lease a mailing's first free batch that has letters due; returns its key, if there is one.

    Letters with a key in `beside` do not count as due.
    """
    asked = {"mailing": mailing_id, "us": worker_id, "until": now + LEASE, "now": now, "beside": beside}
    return tuple(_TAKEN.keys(session, asked))


def renew(session: Session, held: Sequence[int], worker_id: str, *, now: datetime) -> set[int]:
    """Renew the leases of these batches. Returns those that are still ours."""
    asked = {"held": held, "us": worker_id, "until": now + LEASE}
    return set(_RENEWED.keys(session, asked))


def put_back(session: Session, taken: Taken, worker_id: str) -> None:
    """Release batches, those that are still ours."""
    _PUT_BACK.change(session, {"taken": taken, "us": worker_id})


def _is_free_and_due(
    now: datetime | ColumnElement[datetime], *of_its_letters: ColumnElement[bool]
) -> ColumnElement[bool]:
    waits = and_(is_in(MessageState.QUEUED), Message.due_at <= now, *of_its_letters)
    return and_(
        or_(Batch.lease_until.is_(None), Batch.lease_until < now),
        exists().where(Mailing.id == Batch.mailing_id, Mailing.gate == Gate.OPEN),
        exists().where(Message.batch_id == Batch.id, waits),
    )


def _taking(whose: ColumnElement[bool], most: int = 1) -> Executable:
    waits = _is_free_and_due(bindparam("now", type_=UtcDateTime), ~among_given(Message.id, "beside"))
    free = select(Batch.id).where(whose, waits).order_by(Batch.id)
    first = free.limit(most).with_for_update(skip_locked=True)
    taken = update(table_of(Batch)).where(Batch.id.in_(first))
    return taken.values(worker_id=bindparam("us"), lease_until=bindparam("until")).returning(table_of(Batch).c.id)


_IS_OURS = Batch.worker_id == bindparam("us")
_IS_OF_MAILING = Batch.mailing_id == bindparam("mailing")
_TAKEN = Prepared(_taking(_IS_OF_MAILING))
_TAKEN_TOGETHER = {
    lane: Prepared(
        _taking(exists().where(Mailing.id == Batch.mailing_id, Mailing.purpose.in_(lane.purposes)), TOGETHER)
    )
    for lane in Lane
}
_RENEWED = Prepared(
    update(table_of(Batch))
    .where(among_given(Batch.id, "held"), _IS_OURS)
    .values(lease_until=bindparam("until"))
    .returning(table_of(Batch).c.id)
)
_PUT_BACK = Prepared(
    update(table_of(Batch)).where(among_given(Batch.id, "taken"), _IS_OURS).values(worker_id=None, lease_until=None)
)
