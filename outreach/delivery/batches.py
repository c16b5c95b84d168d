"""Batches: some hundred letters that one worker holds by a lease, so that several share a mailing without meeting."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, exists, or_, select, update

from outreach.db import Session, table_of
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageState, is_in

LEASE = timedelta(seconds=20)


def due_mailings(session: Session, *, now: datetime) -> list[int]:
    """The mailings that have letters due in a batch that nobody holds."""
    query = select(Batch.mailing_id).where(_is_free_and_due(now)).distinct().order_by(Batch.mailing_id)
    return list(session.scalars(query))


def take(
    session: Session,
    mailing_id: int,
    worker_id: str,
    *,
    beside: Collection[int],
    but: Iterable[str],
    now: datetime,
) -> int | None:
    """Take the lease of a mailing's first batch that has letters due; returns its key, or None.

    Letters `beside` these are meant, and for other domains than `but`.
    """
    due = _is_free_and_due(now, beside, but)
    free = select(Batch.id).where(Batch.mailing_id == mailing_id, due).order_by(Batch.number)
    first = free.limit(1).with_for_update(skip_locked=True)
    lease = {"worker_id": worker_id, "lease_until": now + LEASE}
    return session.scalar(update(Batch).where(Batch.id.in_(first)).values(lease).returning(Batch.id))


def renew(session: Session, batch: int, worker_id: str, *, now: datetime) -> bool:
    """Hold a batch for longer. False when it is another's by now."""
    asked = {"taken": batch, "us": worker_id, "until": now + LEASE}
    return session.connection().execute(_RENEWED, asked).rowcount == 1


def put_back(session: Session, batch: int, worker_id: str) -> None:
    """Let go of a batch, if it is still ours."""
    is_ours = and_(Batch.id == batch, Batch.worker_id == worker_id)
    session.execute(update(Batch).where(is_ours).values(worker_id=None, lease_until=None))


# Asked every round, so made once.
_RENEWED = (
    update(table_of(Batch))
    .where(Batch.id == bindparam("taken"), Batch.worker_id == bindparam("us"))
    .values(lease_until=bindparam("until"))
)


def _is_free_and_due(now: datetime, beside: Collection[int] = (), but: Iterable[str] = ()) -> ColumnElement[bool]:
    others = [~Message.address_key.endswith(f"@{domain}", autoescape=True) for domain in but]
    waits = and_(is_in(MessageState.QUEUED), Message.due_at <= now, Message.id.not_in(beside), *others)
    return and_(
        or_(Batch.lease_until.is_(None), Batch.lease_until < now),
        exists().where(Mailing.id == Batch.mailing_id, Mailing.gate == Gate.OPEN),
        exists().where(Message.batch_id == Batch.id, waits),
    )
