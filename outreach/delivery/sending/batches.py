"""Batches: some hundreds of letters that one worker leases, so that several can share a mailing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Executable, and_, bindparam, exists, or_, select, update

from outreach.db import Session, UtcDateTime, table_of
from outreach.db.compiled import Prepared
from outreach.db.in_list import among_given
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageState, is_in

LEASE = timedelta(seconds=20)


def due_mailings(session: Session, *, now: datetime) -> list[int]:
    """The open mailings that have letters due in a batch that nobody holds."""
    query = select(Batch.mailing_id).where(_is_free_and_due(now)).distinct().order_by(Batch.mailing_id)
    return list(session.scalars(query))


def take(
    session: Session,
    mailing_id: int,
    worker_id: str,
    *,
    beside: Collection[int],
    but: Sequence[str],
    now: datetime,
) -> int | None:
    """Lease a mailing's first free batch that has letters due; returns its key, or None.

    Letters with a key in `beside`, and letters to a domain in `but`, do not count as due.
    """
    taking = Prepared(_taking(but)) if but else _TAKEN
    asked = {"mailing": mailing_id, "us": worker_id, "until": now + LEASE, "now": now, "beside": beside}
    return next(iter(taking.keys(session, asked)), None)


def renew(session: Session, held: Sequence[int], worker_id: str, *, now: datetime) -> set[int]:
    """Renew the leases of these batches. Returns those that are still ours."""
    asked = {"held": held, "us": worker_id, "until": now + LEASE}
    return set(_RENEWED.keys(session, asked))


def put_back(session: Session, batch: int, worker_id: str) -> None:
    """Release a batch, if it is still ours."""
    _PUT_BACK.change(session, {"taken": batch, "us": worker_id})


def _is_free_and_due(
    now: datetime | ColumnElement[datetime], *of_its_letters: ColumnElement[bool]
) -> ColumnElement[bool]:
    waits = and_(is_in(MessageState.QUEUED), Message.due_at <= now, *of_its_letters)
    return and_(
        or_(Batch.lease_until.is_(None), Batch.lease_until < now),
        exists().where(Mailing.id == Batch.mailing_id, Mailing.gate == Gate.OPEN),
        exists().where(Message.batch_id == Batch.id, waits),
    )


def _taking(but: Iterable[str] = ()) -> Executable:
    others = [~Message.address_key.endswith(f"@{domain}", autoescape=True) for domain in but]
    others.append(~among_given(Message.id, "beside"))
    waits = _is_free_and_due(bindparam("now", type_=UtcDateTime), *others)
    free = select(Batch.id).where(Batch.mailing_id == bindparam("mailing"), waits).order_by(Batch.number)
    first = free.limit(1).with_for_update(skip_locked=True)
    taken = update(table_of(Batch)).where(Batch.id.in_(first))
    return taken.values(worker_id=bindparam("us"), lease_until=bindparam("until")).returning(table_of(Batch).c.id)


_IS_OURS = Batch.worker_id == bindparam("us")
_TAKEN = Prepared(_taking())
_RENEWED = Prepared(
    update(table_of(Batch))
    .where(among_given(Batch.id, "held"), _IS_OURS)
    .values(lease_until=bindparam("until"))
    .returning(table_of(Batch).c.id)
)
_PUT_BACK = Prepared(
    update(table_of(Batch)).where(Batch.id == bindparam("taken"), _IS_OURS).values(worker_id=None, lease_until=None)
)
