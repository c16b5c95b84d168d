"""What a relay's answer, or a refusal by mail, makes of a letter; and when it is tried again."""

import random
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, bindparam, case, delete, func, select, update

from outreach.core import audit
from outreach.core.db import Session, table_of
from outreach.core.db.prepared import PreparedForEach
from outreach.core.text.dates import today
from outreach.delivery.models import (
    AWAITED,
    Composition,
    Message,
    MessageState,
    Reason,
    Suppression,
    SuppressionReason,
    is_in,
    is_still,
)
from outreach.delivery.outbox._outbox import SendError, note, withdraw_stranded
from outreach.delivery.outbox._suppressions import suppress_address
from outreach.delivery.smtp import LONGEST_KEPT, AttemptResult, Verdict
from outreach.directory import contacts

RETRY_MINUTES = (1, 5, 15, 30, 60)
PATIENCE = timedelta(hours=24)
JITTER = 0.1
REST_MINUTES = (1, 2, 5, 10, 15)


def next_try(attempts: int, now: datetime, first_tried_at: datetime, chance: float) -> datetime | None:
    """When to try again after `attempts` temporary refusals (4xx), or None 24 hours after the first attempt.

    After 1, 5, 15, 30 and 60 minutes, then hourly. `chance` (0 to 1) adds up to a tenth, so that letters deferred
    together do not come back together.
    """
    if now - first_tried_at >= PATIENCE:
        return None
    minutes = RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
    return now + timedelta(minutes=minutes * (1 + JITTER * chance))


def rest_of(failures: int, now: datetime) -> datetime:
    """Until when a relay rests after so many failures in a row."""
    return now + timedelta(minutes=REST_MINUTES[min(failures, len(REST_MINUTES)) - 1])


NO_SUCH_MAILBOX = {"5.1.1", "5.1.10"}
DISABLED = "5.2.1"
NO_SUCH_DOMAIN = {"5.1.2", "5.4.4", "5.4.310"}  # RFC 3463; what Postfix and Exchange say of a domain that DNS denies
TOO_FAST = re.compile(r"\btoo (?:quickly|fast|many)|\brate\b|\btempor", re.IGNORECASE)  # Gmail, with a 5.2.1
POLICY = "5.7."
FULL = "5.2.2"
DAY = timedelta(hours=24)
MOST_OF_A_DOMAIN = 20
POSTMAN = "automatique"
OUT = (MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)


class Settled(NamedTuple):
    """The result of one attempt at a letter; `fence_id` is None when it ended before the commit gate."""

    message_id: int
    fence_id: str | None
    outcome: AttemptResult


def record_outcomes(session: Session, settled: Sequence[Settled], *, now: datetime, again_at: datetime) -> None:
    """Record the results of attempts. A late answer settles a doubt; one to an older attempt changes nothing.

    `again_at` is when UNREACHED letters are due again.
    """
    accepted = [attempt for attempt in settled if attempt.outcome.verdict is Verdict.ACCEPTED]
    if accepted:
        _ACCEPTED.change(session, [_answer(attempt) for attempt in accepted], at=now)
    others = [attempt for attempt in settled if attempt.outcome.verdict is not Verdict.ACCEPTED]
    if others:
        happened = Counter(filter(None, [_record_one(session, attempt, now, again_at) for attempt in others]))
        note(session, happened, now=now, actor=POSTMAN)
        withdraw_stranded(session, now=now, among=[attempt.message_id for attempt in others])


def is_out(message: Message) -> bool:
    """Whether a letter has left and may still come back. One in doubt that waits to be sent again has left, too."""
    return message.state in OUT or (message.state is MessageState.QUEUED and message.resent_at is not None)


def come_back(session: Session, message: Message, *, status: str, said: str, now: datetime, actor: str) -> bool:
    """Count a letter that came back as refused. Returns whether its address is suppressed.

    `status` is the notice's status code (5.1.1, or ''), `said` its text. An address is suppressed by the same rules as
    after a relay's direct refusal.
    """
    message.state, message.settled_at = MessageState.REFUSED, now
    message.reply_code, message.reply_status = None, status
    words = said if status in said else f"{status} {said}".strip()
    message.reply_text = f"revenu le {today(now):%d/%m/%Y} : {words}".rstrip(" :")[:LONGEST_KEPT]
    audit.record_entry(
        session, now, actor, f"Courriel à {message.address} {message.reply_text}", f"message:{message.id}"
    )
    session.flush()
    return _suppress_if_gone(session, message, now, actor)


_ACCEPTED = PreparedForEach(
    lambda given: (
        update(table_of(Message))
        .where(
            Message.id == given.message,
            Message.fence_id == given.fence,
            is_still(*AWAITED),
        )
        .values(
            state=MessageState.ACCEPTED,
            settled_at=bindparam("at"),
            reply_code=given.code,
            reply_status=given.status,
            reply_text=given.text,
        )
    ),
    message=BigInteger,
    fence=Text,
    code=Integer,
    status=Text,
    text=Text,
)


def _answer(attempt: Settled) -> tuple[object, ...]:
    said = attempt.outcome
    return attempt.message_id, attempt.fence_id, said.code, said.status, said.text


def _record_one(session: Session, attempt: Settled, now: datetime, again_at: datetime) -> tuple[int, SendError] | None:
    """Change a letter's row; returns its mailing and setback for the audit, or None."""
    message = _held(session, attempt)
    if message is None:
        return None
    said = attempt.outcome
    message.reply_code, message.reply_status, message.reply_text = said.code, said.status, said.text
    event: SendError | None = None
    match said.verdict:
        case Verdict.LATER:
            event = _put_off(session, message, now)
        case Verdict.NEVER:
            message.state, message.settled_at = MessageState.REFUSED, now
            event = SendError.AGAINST_RULES if said.status.startswith(POLICY) else SendError.REFUSED
            session.flush()
            _suppress_if_gone(session, message, now, POSTMAN)
        case Verdict.UNREACHED:
            message.state, message.due_at, message.settled_at = MessageState.QUEUED, again_at, None
            _forget_composition(session, message)
        case Verdict.STOPPED:
            message.state, message.reason, message.settled_at = MessageState.WITHDRAWN, Reason.TRIAL, now
        case Verdict.UNKNOWN:
            message.state, message.settled_at = MessageState.IN_DOUBT, now
            event = SendError.IN_DOUBT
        case Verdict.ACCEPTED:
            raise AssertionError("accepted letters are recorded together")
    return (message.mailing_id, event) if event else None


def _held(session: Session, attempt: Settled) -> Message | None:
    query = select(Message).where(Message.id == attempt.message_id).with_for_update()
    if attempt.fence_id is None:
        query = query.where(Message.state == MessageState.QUEUED)
    else:
        query = query.where(Message.fence_id == attempt.fence_id, Message.state.in_(AWAITED))
    return session.scalar(query)


def _put_off(session: Session, message: Message, now: datetime) -> SendError:
    message.attempts += 1
    message.first_tried_at = message.first_tried_at or now
    again = next_try(message.attempts, now, message.first_tried_at, random.random())  # noqa: S311 - a spread, no secret
    if again is None:
        message.state, message.settled_at = MessageState.EXPIRED, now
        return SendError.EXPIRED
    message.state, message.due_at, message.settled_at = MessageState.QUEUED, again, None
    _forget_composition(session, message)
    return SendError.DEFERRED


def _forget_composition(session: Session, message: Message) -> None:
    """Have a letter that did not leave composed anew, unless it was sent before and must stay the same."""
    if message.resent_at is None:
        session.execute(delete(Composition).where(Composition.message_id == message.id))


def _suppress_if_gone(session: Session, message: Message, now: datetime, actor: str) -> bool:
    """Suppress an address when refusals say that the mailbox is gone; a policy refusal (5.7.x) is about us.

    5.1.1, 5.1.10 and a disabled mailbox (5.2.1) suppress at once, no such domain (5.1.2, 5.4.4) the second time in 24
    hours (20 addresses of a domain a day at most), a full mailbox (5.2.2, or 552 without a status) the third time.
    """
    status, key = message.reply_status, message.address_key
    is_gone = status in NO_SUCH_MAILBOX
    is_gone |= status == DISABLED and not TOO_FAST.search(message.reply_text)
    is_gone |= status in NO_SUCH_DOMAIN and _refusals(session, key, _says_no_domain(now)) >= 2
    is_full = status == FULL or (message.reply_code == 552 and not status)
    is_gone |= is_full and _refusals(session, key, _says_full()) >= 3
    if not is_gone or (status in NO_SUCH_DOMAIN and _gone_of_domain(session, key, now) >= MOST_OF_A_DOMAIN):
        return False
    detail = f"{message.reply_code or ''} {message.reply_text}".strip()
    suppress_address(session, key, SuppressionReason.HARD_BOUNCE, now=now, actor=actor, detail=detail)
    contacts.record_bounce(session, message.address, now=now, actor=actor)
    return True


def _refusals(session: Session, key: str, which: ColumnElement[bool]) -> int:
    """How often an address was refused this way, since its last hard-bounce suppression was lifted."""
    query = select(func.count()).where(Message.address_key == key, is_in(MessageState.REFUSED), which)
    lifted = session.scalar(
        select(func.max(Suppression.lifted_at)).where(
            Suppression.address_key == key, Suppression.reason == SuppressionReason.HARD_BOUNCE
        )
    )
    if lifted is not None:
        # A notice came by mail, so `settled_at` is days after the letter left.
        came_back = Message.reply_code.is_(None)
        query = query.where(case((came_back, Message.fenced_at), else_=Message.settled_at) >= lifted)
    return session.scalar(query) or 0


def _says_no_domain(now: datetime) -> ColumnElement[bool]:
    return Message.reply_status.in_(NO_SUCH_DOMAIN) & (Message.settled_at >= now - DAY)


def _says_full() -> ColumnElement[bool]:
    return (Message.reply_status == FULL) | ((Message.reply_code == 552) & (Message.reply_status == ""))


def _gone_of_domain(session: Session, key: str, now: datetime) -> int:
    domain = "%@" + key.rpartition("@")[2].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = select(func.count()).where(
        Suppression.reason == SuppressionReason.HARD_BOUNCE,
        Suppression.created_at >= now - DAY,
        Suppression.address_key.like(domain, escape="\\"),
    )
    return session.scalar(query) or 0
