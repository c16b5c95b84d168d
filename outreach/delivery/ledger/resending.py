"""Letters that leave once more because somebody asks: those that failed for good, and doubts that have rested.

Nobody is sent a letter twice unknowingly: a letter that may have arrived goes again at most once, the same to the byte,
and one that did so is no failure to send again, whatever became of its second copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, select, update
from sqlalchemy.orm import aliased

from outreach import audit
from outreach.db import Session
from outreach.delivery.ledger import suppressions
from outreach.delivery.ledger.outbox import DOUBT_RESTS
from outreach.delivery.models import Composition, Mailing, Message, MessageState

FAILED = (MessageState.REFUSED, MessageState.EXPIRED)
REACHING = (MessageState.QUEUED, MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Spared:
    """Whom nothing is sent again: these recipients, and those that a later one of these mailings has reached.

    A mailing is later when its key is greater: it was launched afterwards.
    """

    recipients: Select[int]
    mailings: Sequence[int] = ()

    def where_not(self) -> ColumnElement[bool]:
        """True for a letter that may leave again as far as its recipient and its address are concerned."""
        is_suppressed = suppressions.stops_the_letter()
        return and_(Message.recipient_id.not_in(self.recipients), ~self._is_reached_later(), ~is_suppressed)

    def _is_reached_later(self) -> ColumnElement[bool]:
        later = aliased(Message)
        to_the_same = select(later.id).where(
            later.mailing_id.in_(self.mailings),
            later.mailing_id > Message.mailing_id,
            later.recipient_kind == Message.recipient_kind,
            later.recipient_id == Message.recipient_id,
            later.state.in_(REACHING),
        )
        return to_the_same.correlate(Message).exists()


def count_failed(session: Session, mailings: Iterable[int], *, without: Spared) -> dict[int, tuple[int, int]]:
    """How many letters of mailings failed: those that may leave again, and all.

    None leave again to those of `without`, nor to a stopped address.
    """
    return _count(session, mailings, Message.state.in_(FAILED), _has_failed(without))


def count_rested(session: Session, mailings: Iterable[int], *, without: Spared, now: datetime) -> dict[int, int]:
    """How many letters of mailings have been in doubt for long enough to be sent once more."""
    counted = _count(session, mailings, Message.state == MessageState.IN_DOUBT, _has_rested(without, now))
    return {mailing: rested for mailing, (rested, _) in counted.items()}


def resendable_from(session: Session, mailing: int, *, without: Spared) -> dict[int, datetime]:
    """From when each of a mailing's doubts may be sent once more, by its key."""
    query = select(Message.id, Message.fenced_at).where(Message.mailing_id == mailing, _may_be_resent(without))
    return {key: fenced_at + DOUBT_RESTS for key, fenced_at in session.execute(query) if fenced_at is not None}


def retry_failed(session: Session, mailing: Mailing, *, without: Spared, now: datetime) -> int:
    """Queue again what a relay refused or never took, due now, attempts counted from zero; returns how many letters.

    Each keeps its name, Date and sender; what it says is composed anew, since none of it has arrived.
    """
    again = {"state": MessageState.QUEUED, "attempts": 0, "first_tried_at": None, "due_at": now, "settled_at": None}
    which = and_(Message.mailing_id == mailing.id, _has_failed(without))
    queued = session.scalars(update(Message).where(which).values(again).returning(Message.id)).all()
    # Asked of the rows as they now are: a late answer may have made one more of them fail since the first statement.
    unsent = select(Message.id).where(
        Message.mailing_id == mailing.id, Message.state == MessageState.QUEUED, Message.resent_at.is_(None)
    )
    session.execute(delete(Composition).where(Composition.message_id.in_(unsent)))
    return len(queued)


def resend_rested(
    session: Session, mailing: Mailing, *, without: Spared, now: datetime, actor: str, only: int | None = None
) -> int:
    """Send doubts of a mailing (or one, by its key) once more, byte for byte, 15 minutes after their fence at least.

    Each is written to the audit. Returns how many; none twice.
    """
    which = and_(Message.mailing_id == mailing.id, _has_rested(without, now))
    which = which if only is None else and_(which, Message.id == only)
    again = {"state": MessageState.QUEUED, "resent_at": now, "due_at": now, "attempts": 0, "first_tried_at": None}
    queued = session.scalars(update(Message).where(which).values(again).returning(Message.id)).all()
    for key in queued:
        audit.record(session, now, actor, "Courriel en doute : renvoyé à l’identique.", f"message:{key}")
    return len(queued)


def _count(
    session: Session, mailings: Iterable[int], of: ColumnElement[bool], which: ColumnElement[bool]
) -> dict[int, tuple[int, int]]:
    counts = (func.count(case((which, 1))), func.count())
    query = select(Message.mailing_id, *counts).where(Message.mailing_id.in_(list(mailings)), of)
    return {mailing: (some, every) for mailing, some, every in session.execute(query.group_by(Message.mailing_id))}


def _has_failed(without: Spared) -> ColumnElement[bool]:
    return and_(Message.state.in_(FAILED), Message.resent_at.is_(None), without.where_not())


def _has_rested(without: Spared, now: datetime) -> ColumnElement[bool]:
    return and_(_may_be_resent(without), Message.fenced_at <= now - DOUBT_RESTS)


def _may_be_resent(without: Spared) -> ColumnElement[bool]:
    return and_(Message.state == MessageState.IN_DOUBT, Message.resent_at.is_(None), without.where_not())
