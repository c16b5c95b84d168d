"""Lists and counts the recipients of a mailing by what became of them, with the same conditions.

Each `label` is in French, for the interface.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from outreach.db import Session
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Authority

PAGE_ROWS = 50


class LetterOutcome(StrEnum):
    """The outcome of a letter: every letter has exactly one."""

    ACCEPTED = "accepted"
    PENDING = "pending"
    DEFERRED = "deferred"
    REFUSED = "refused"
    EXPIRED = "expired"
    IN_DOUBT = "in_doubt"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The outcome as the interface names it, of several letters."""
        return _LABELS[self]

    @property
    def singular(self) -> str:
        """The outcome of one letter, in a sentence."""
        return _SINGULARS.get(self, _LABELS[self].lower().removesuffix("s"))


_LABELS = {
    LetterOutcome.ACCEPTED: "Remis",
    LetterOutcome.PENDING: "En attente",
    LetterOutcome.DEFERRED: "Reportés",
    LetterOutcome.REFUSED: "Refusés",
    LetterOutcome.EXPIRED: "Expirés",
    LetterOutcome.IN_DOUBT: "En doute",
    LetterOutcome.WITHDRAWN: "Écartés",
}

_SINGULARS = {LetterOutcome.ACCEPTED: "remis"}


def outcome_of(message: Message) -> LetterOutcome:
    """The outcome of a letter."""
    return outcome_in(message.state, message.attempts)


def outcome_in(state: MessageState, attempts: int) -> LetterOutcome:
    """The outcome of a letter in this state, after so many attempts."""
    if state is MessageState.QUEUED or state is MessageState.HANDING:
        is_deferred = state is MessageState.QUEUED and attempts > 0
        return LetterOutcome.DEFERRED if is_deferred else LetterOutcome.PENDING
    return LetterOutcome(state.value)


def count(session: Session, mailing: int, outcome: LetterOutcome | None, reason: Reason | None = None) -> int:
    """How many letters of a mailing have this outcome and this reason of withdrawal (None: any)."""
    return session.scalar(select(func.count()).where(_of(mailing, outcome, reason))) or 0


def tried_again(session: Session, mailing: int) -> tuple[int, datetime] | None:
    """For deferred letters: the highest number of attempts, and when the next is due. None when there are none."""
    deferred = select(func.max(Message.attempts), func.min(Message.due_at)).where(
        _of(mailing, LetterOutcome.DEFERRED, None)
    )
    attempts, at = session.execute(deferred).one()
    return None if attempts is None else (attempts, at)


def page(
    session: Session, mailing: int, outcome: LetterOutcome | None, reason: Reason | None, number: int
) -> Sequence[Row[Message, Authority]]:
    """One page of the letters with this outcome and reason, by the authority's name."""
    query = _rows(mailing, outcome, reason).limit(PAGE_ROWS).offset((number - 1) * PAGE_ROWS)
    return session.execute(query).all()


def every(
    session: Session, mailing: int, outcome: LetterOutcome | None, reason: Reason | None
) -> Sequence[Row[Message, Authority]]:
    """All letters with this outcome and reason, by the authority's name."""
    return session.execute(_rows(mailing, outcome, reason)).all()


def to_authority(session: Session, authority: Authority) -> Sequence[Message]:
    """Every letter meant for an authority, the newest first."""
    query = select(Message).where(Message.authority_id == authority.id)
    return session.scalars(query.order_by(Message.dated_at.desc(), Message.id.desc())).all()


def _rows(mailing: int, outcome: LetterOutcome | None, reason: Reason | None) -> Select[Message, Authority]:
    query = select(Message, Authority).join(Authority, Authority.id == Message.authority_id)
    query = query.where(_of(mailing, outcome, reason))
    return query.order_by(Authority.folded, Authority.fase, Message.id)


def has_outcome(outcome: LetterOutcome) -> ColumnElement[bool]:
    """True for a letter with this outcome (`outcome_of`), as a condition."""
    queued, handing = Message.state == MessageState.QUEUED, Message.state == MessageState.HANDING
    if outcome is LetterOutcome.DEFERRED:
        return and_(queued, Message.attempts > 0)
    if outcome is LetterOutcome.PENDING:
        return or_(and_(queued, Message.attempts == 0), handing)
    return Message.state == MessageState(outcome.value)


def _of(mailing: int, outcome: LetterOutcome | None, reason: Reason | None) -> ColumnElement[bool]:
    conditions = [Message.mailing_id == mailing]
    if outcome is not None:
        conditions.append(has_outcome(outcome))
    if reason is not None:
        conditions.append(Message.reason == reason)
    return and_(*conditions)
