"""Letters on the way, counted: how many in each state, and since when the oldest."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import exists, func, select

from outreach.db import Session
from outreach.delivery.models import Gate, Mailing, Message, MessageState, is_in

RECENT = timedelta(days=7)
SINCE = {
    MessageState.QUEUED: Message.due_at,
    MessageState.HANDING: Message.fenced_at,
    MessageState.IN_DOUBT: Message.settled_at,
}


class OnTheWay(NamedTuple):
    """How many letters, and since when the oldest waits; None where none does."""

    number: int
    oldest: datetime | None


def due(session: Session, *, now: datetime) -> OnTheWay:
    """The letters that are due, of mailings that nobody holds."""
    is_open = exists().where(Mailing.id == Message.mailing_id, Mailing.gate == Gate.OPEN)
    query = select(func.count(), func.min(Message.due_at)).where(is_in(MessageState.QUEUED), Message.due_at <= now)
    return OnTheWay(*session.execute(query.where(is_open)).one())


def by_state(session: Session) -> dict[MessageState, OnTheWay]:
    """The letters in each state of SINCE, by the index of that state; of those queued, some may be due later."""
    query = {state: select(func.count(), func.min(at)).where(is_in(state)) for state, at in SINCE.items()}
    return {state: OnTheWay(*session.execute(asked).one()) for state, asked in query.items()}


def recent(session: Session, *, now: datetime) -> dict[MessageState, int]:
    """The letters of the last seven days' mailings, by state. Counting all that ever left would read all of them."""
    keys = session.scalars(select(Mailing.id).where(Mailing.created_at > now - RECENT)).all()
    query = select(Message.state, func.count()).where(Message.mailing_id.in_(keys)).group_by(Message.state)
    counted = dict.fromkeys(MessageState, 0)
    for state, count in session.execute(query):
        counted[state] = count
    return counted
