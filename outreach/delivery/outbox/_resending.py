"""Sends letters once more at a person's request: failed ones, and those in doubt for long enough.

No letter is sent twice unknowingly. One that may have arrived is sent again at most once, the same to the byte; after
that it is never retried as failed, whatever became of its second copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import aliased

from outreach.core import audit
from outreach.core.db import Session
from outreach.delivery.models import Composition, Mailing, Message, MessageState
from outreach.delivery.outbox._outbox import DOUBT_RESTS
from outreach.delivery.outbox._suppressions import stops_the_letter

FAILED = (MessageState.REFUSED, MessageState.EXPIRED)
REACHING = (MessageState.QUEUED, MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Spared:
    """To whom nothing is sent again: these authorities, and those that a later one of `mailings` has reached.

    Nor to `mailboxes`, each by its authority and its `address_key`, nor to the addresses (their keys) in `solicited`,
    which were written to often enough. A mailing is later when its key is greater: it was
    launched afterwards.
    """

    authorities: Select[int]
    mailings: Sequence[int] = ()
    mailboxes: Select[int | None, str] | None = None
    solicited: Select[str] | None = None

    def where_not(self) -> ColumnElement[bool]:
        """True for a letter whose recipient is not spared and whose address is not suppressed."""
        is_suppressed, mailbox = stops_the_letter(), tuple_(Message.authority_id, Message.address_key)
        is_named: ColumnElement[bool] = Message.authority_id.in_(self.authorities)
        if self.mailboxes is not None:
            is_named = or_(is_named, mailbox.in_(self.mailboxes))
        if self.solicited is not None:
            is_named = or_(is_named, Message.address_key.in_(self.solicited))
        is_spared = and_(Message.authority_id.is_not(None), is_named)
        return and_(~is_spared, ~self._is_reached_later(), ~is_suppressed)

    def _is_reached_later(self) -> ColumnElement[bool]:
        later = aliased(Message)
        to_the_same = select(later.id).where(
            later.mailing_id.in_(self.mailings),
            later.mailing_id > Message.mailing_id,
            later.authority_id == Message.authority_id,
            later.state.in_(REACHING),
        )
        return to_the_same.correlate(Message).exists()


def count_failed(session: Session, mailings: Iterable[int], *, without: Spared) -> dict[int, tuple[int, int]]:
    """For each mailing, how many failed letters may be sent again, and how many failed in all.

    Letters to the recipients of `without`, or to a suppressed address, may not be sent again.
    """
    return _count(session, mailings, Message.state.in_(FAILED), _has_failed(without))


def count_rested(session: Session, mailings: Iterable[int], *, without: Spared, now: datetime) -> dict[int, int]:
    """How many letters of each mailing have been in doubt for long enough to be sent once more."""
    counted = _count(session, mailings, Message.state == MessageState.IN_DOUBT, _has_rested(without, now))
    return {mailing: rested for mailing, (rested, _) in counted.items()}


def resendable_from(session: Session, mailing: int, *, without: Spared) -> dict[int, datetime]:
    """From when each of a mailing's letters in doubt may be sent once more, by the letter's key."""
    query = select(Message.id, Message.fenced_at).where(Message.mailing_id == mailing, _may_be_resent(without))
    return {key: fenced_at + DOUBT_RESTS for key, fenced_at in session.execute(query) if fenced_at is not None}


def retry_failed(session: Session, mailing: Mailing, *, without: Spared, now: datetime) -> int:
    """Queue the refused and expired letters of a mailing again, due now, with attempts from zero. Returns how many.

    Each keeps its name, Date and sender. Its content is composed anew, since no copy has arrived.
    """
    again = {"state": MessageState.QUEUED, "attempts": 0, "first_tried_at": None, "due_at": now, "settled_at": None}
    which = and_(Message.mailing_id == mailing.id, _has_failed(without))
    queued = session.scalars(update(Message).where(which).values(again).returning(Message.id)).all()
    # Selects by the current state: since the first statement a late answer may have made one more letter fail.
    unsent = select(Message.id).where(
        Message.mailing_id == mailing.id, Message.state == MessageState.QUEUED, Message.resent_at.is_(None)
    )
    session.execute(delete(Composition).where(Composition.message_id.in_(unsent)))
    return len(queued)


def resend_rested(
    session: Session, mailing: Mailing, *, without: Spared, now: datetime, actor: str, only: int | None = None
) -> int:
    """Queue letters in doubt of a mailing once more, the same to the byte, at least 15 minutes after their commit gate.

    `only` is the key of a single letter. Each is recorded in the audit. Returns how many; no letter is resent twice.
    """
    which = and_(Message.mailing_id == mailing.id, _has_rested(without, now))
    which = which if only is None else and_(which, Message.id == only)
    again = {"state": MessageState.QUEUED, "resent_at": now, "due_at": now, "attempts": 0, "first_tried_at": None}
    queued = session.scalars(update(Message).where(which).values(again).returning(Message.id)).all()
    for key in queued:
        audit.record_entry(session, now, actor, "Courriel en doute : renvoyé à l’identique.", f"message:{key}")
    return len(queued)


def _count(
    session: Session, mailings: Iterable[int], of: ColumnElement[bool], which: ColumnElement[bool]
) -> dict[int, tuple[int, int]]:
    counts = (func.count(case((which, 1))), func.count())
    query = select(Message.mailing_id, *counts).where(Message.mailing_id.in_(list(mailings)), of)
    return {mailing: (some, every) for mailing, some, every in session.execute(query.group_by(Message.mailing_id))}


def _has_failed(without: Spared) -> ColumnElement[bool]:
    return and_(Message.state.in_(FAILED), Message.resent_at.is_(None), ~_is_emptied(), without.where_not())


def _has_rested(without: Spared, now: datetime) -> ColumnElement[bool]:
    return and_(_may_be_resent(without), Message.fenced_at <= now - DOUBT_RESTS)


def _may_be_resent(without: Spared) -> ColumnElement[bool]:
    doubtful = and_(Message.state == MessageState.IN_DOUBT, Message.resent_at.is_(None))
    return and_(doubtful, ~_is_emptied(), without.where_not())


def _is_emptied() -> ColumnElement[bool]:
    """The condition that a letter's words are not kept any more, so that nothing could leave."""
    return Message.mailing_id.in_(select(Mailing.id).where(Mailing.emptied_at.is_not(None)))
