"""The commit gate: one statement that decides, for a whole round, which final dots may be written.

A relay may accept a letter only after its dot (RFC 5321 §4.1.1.10). So the body is sent, then this statement is
committed, then the dots of the rows it returned are written. The statement is the lock between workers, and it checks
pause, unsubscription, stop-on-joining and what a person wrote back: every change committed before it is honoured.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from outreach.adherence.models import Status
from outreach.adherence.situation import status_of
from outreach.adherence.statuses import CLOSED_TO_REMINDERS
from outreach.core.db import Session, table_of
from outreach.core.db.bulk import among_given
from outreach.core.db.prepared import Prepared, PreparedForEach
from outreach.core.erasure import ErasedAddresses
from outreach.delivery import outbox
from outreach.delivery.models import (
    AWAITED,
    Composition,
    Gate,
    Mailing,
    Message,
    MessageState,
    MessageSubject,
    Reason,
    is_in,
    is_still,
)
from outreach.delivery.outbox import IS_DUE_OF_BATCH, Composed
from outreach.delivery.received import holds_the_letter
from outreach.directory.register import is_reported

LOOKED_AT_AGAIN = timedelta(minutes=15)  # a letter that a mail holds; it is due at once where somebody decides
T = TypeVar("T")
Day = date | ColumnElement[date]


def clear_batch(session: Session, batch: int, *, now: datetime, day: date) -> None:
    """Settle the letters of a batch that the commit gate would deny, before they take a connection for nothing."""
    _withdraw_erased(session, batch, now=now)
    denied = _DENIED.keys(session, {"batch": batch, "now": now, "day": day})
    if denied:
        settle_denied(session, denied, now=now, day=day)


def _withdraw_erased(session: Session, batch: int, *, now: datetime) -> None:
    """Withdraw the letters to erased addresses, and put the marks in their place.

    An erasure withdraws those that it sees. A launch that was under way meanwhile commits its own afterwards, and no
    worker takes a batch before it is committed.
    """
    erased = ErasedAddresses.of(session)
    if not erased.at:
        return
    due = session.execute(select(Message.id, Message.address_key).where(IS_DUE_OF_BATCH), {"batch": batch, "now": now})
    marks = {letter: mark for letter, key in due.all() if (mark := erased.mark(key))}
    outbox.withdraw_letters(session, marks, Reason.SUPPRESSED, now=now)
    for letter, mark in marks.items():
        of_mark = {"address": mark, "address_key": mark, "address_ascii": mark}
        session.execute(update(Message).where(Message.id == letter).values(of_mark))


def pass_through(
    session: Session, letters: Sequence[Composed], *, fence_id: str, worker_id: str, now: datetime, day: date
) -> set[int]:
    """Fence these letters; returns the keys of those that passed.

    Their dots may be written once this transaction is committed, and only then. A letter is denied when it is no longer
    queued, its mailing's gate is not open, its address is suppressed for this class of message, a school that it lists
    is no longer open or is reported as gone, the list has changed since it was composed, or a mail that a person wrote
    back holds it.
    """
    fields, passed = {"fence": fence_id, "worker": worker_id, "at": now, "day": day}, set[int]()
    # Nearly always one revision, so one statement. Comparing pairs of key and revision would take a third longer.
    for revision in {letter.revision for letter in letters}:
        keys = [letter.id for letter in letters if letter.revision == revision]
        passed.update(_FENCED.keys(session, {**fields, "letters": keys, "of": revision}))
    _keep(session, [letter for letter in letters if letter.id in passed and letter.content])
    return passed


def settle_denied(session: Session, which: Collection[int], *, now: datetime, day: date) -> None:
    """Settle denied letters: withdraw them, or queue them to be composed anew with fewer schools.

    Letters denied because their gate is not open do not change: they wait. Those that a mail holds wait, too.
    """
    queued = and_(Message.id.in_(which), Message.state == MessageState.QUEUED)
    held = update(Message).where(queued, holds_the_letter())
    session.execute(held.values(due_at=now + LOOKED_AT_AGAIN), execution_options={"synchronize_session": False})
    suppressed = session.scalars(select(Message.id).where(queued, outbox.stops_the_letter())).all()
    outbox.withdraw_letters(session, suppressed, Reason.SUPPRESSED, now=now)
    fewer = session.scalars(select(Message.id).where(queued, _lists_a_closed_school(day))).all()
    if not fewer:
        return
    joined = set(session.scalars(select(Message.id).where(Message.id.in_(fewer), _lists_a(Status.JOINED, day))))
    reported = set(session.scalars(select(Message.id).where(Message.id.in_(fewer), _lists(_is_reported()))))
    gone = (
        select(MessageSubject.message_id, MessageSubject.school_id)
        .join(Message, Message.id == MessageSubject.message_id)
        .where(Message.id.in_(fewer), _is_closed(day))
    )
    pairs = [tuple(pair) for pair in session.execute(gone)]
    session.execute(
        delete(MessageSubject).where(tuple_(MessageSubject.message_id, MessageSubject.school_id).in_(pairs))
    )
    session.execute(update(Message).where(Message.id.in_(fewer)).values(revision=Message.revision + 1))
    empty = set(session.scalars(select(Message.id).where(Message.id.in_(fewer), ~_lists())))
    outbox.withdraw_letters(session, empty & reported, Reason.REPORTED, now=now)
    outbox.withdraw_letters(session, (empty & joined) - reported, Reason.JOINED, now=now)
    outbox.withdraw_letters(session, empty - joined - reported, Reason.NOT_CONCERNED, now=now)


def take_back(session: Session, fence_id: str, *, now: datetime) -> None:
    """Queue the letters of a commit gate again when none of its dots was written: its commit failed, or came too late.

    They are composed anew, except letters sent before, which must stay the same.
    """
    back: list[int] = []
    for state in AWAITED:
        taken = update(Message).where(Message.fence_id == fence_id, is_in(state)).returning(Message.id)
        back += session.scalars(taken.values(state=MessageState.QUEUED, due_at=now, settled_at=None))
    if back:
        unsent = select(Message.id).where(Message.id.in_(back), Message.resent_at.is_(None))
        session.execute(delete(Composition).where(Composition.message_id.in_(unsent)))
        outbox.withdraw_stranded(session, now=now, among=back)


def _keep(session: Session, letters: Sequence[Composed]) -> None:
    """Store the content of letters composed for the first time, or anew because they list fewer schools."""
    revised = [letter.id for letter in letters if letter.revision]
    if revised:
        session.execute(delete(Composition).where(Composition.message_id.in_(revised)))
    if letters:
        _KEPT.change(session, [(letter.id, letter.revision, letter.content) for letter in letters])


def _gate_is_open() -> ColumnElement[bool]:
    return exists().where(Mailing.id == Message.mailing_id, Mailing.gate == Gate.OPEN).correlate_except(Mailing)


def _status(day: Day) -> ScalarSelect[Status]:
    return status_of(MessageSubject.school_id, _of_its_mailing(Mailing.stop_strand_id), day)


def _lists_a(status: Status, day: Day) -> ColumnElement[bool]:
    return _lists(_status(day) == status)


def _lists_a_closed_school(day: Day) -> ColumnElement[bool]:
    return _lists(_is_closed(day))


def _is_closed(day: Day) -> ColumnElement[bool]:
    return or_(_status(day).in_(CLOSED_TO_REMINDERS), _is_reported())


def _is_reported() -> ColumnElement[bool]:
    return is_reported(MessageSubject.school_id, Message.authority_id)


def _has_nobody_left() -> ColumnElement[bool]:
    return and_(_of_its_mailing(Mailing.stop_strand_id).is_not(None), ~_lists())


def _lists(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    listed = select(1).where(MessageSubject.message_id == Message.id, *conditions).correlate_except(MessageSubject)
    # OFFSET 0 makes PostgreSQL look up each of some dozens of letters. It would otherwise read the whole table.
    return exists(listed.offset(literal_column("0")))


def _of_its_mailing(column: InstrumentedAttribute[T]) -> ScalarSelect[T]:
    return select(column).where(Mailing.id == Message.mailing_id).correlate_except(Mailing).scalar_subquery()


# The statements of every round, built once: building one costs as much as executing it.
_DENIED = Prepared(
    select(Message.id).where(
        IS_DUE_OF_BATCH,
        or_(outbox.stops_the_letter(), _lists_a_closed_school(bindparam("day", type_=Date)), holds_the_letter()),
    )
)
_FENCED = Prepared(
    update(table_of(Message))
    .where(
        among_given(Message.id, "letters"),
        Message.revision == bindparam("of"),
        is_still(MessageState.QUEUED),
        _gate_is_open(),
        ~outbox.stops_the_letter(),
        ~holds_the_letter(),
        ~_lists_a_closed_school(bindparam("day", type_=Date)),
        ~_has_nobody_left(),
    )
    .values(
        state=MessageState.HANDING,
        fence_id=bindparam("fence"),
        worker_id=bindparam("worker"),
        fenced_at=bindparam("at"),
        settled_at=None,
    )
    .returning(table_of(Message).c.id)
)
_KEPT = PreparedForEach(
    lambda given: insert(table_of(Composition)).from_select(
        ["message_id", "revision", "content"], select(given.message, given.revision, given.content)
    ),
    message=BigInteger,
    revision=Integer,
    content=Text,
)
