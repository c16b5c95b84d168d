"""Checks of the ledger: rules that its rows must meet at any moment, also after a crash."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from outreach.access.approvals import Decision, DecisionKind, Thing
from outreach.adherence.models import AdherenceRecord, RecordWithdrawal, Status
from outreach.adherence.statuses import CLOSED_TO_REMINDERS
from outreach.campaigns.models import AddedReminder, Campaign, Wave, WaveState
from outreach.core.db import Session, UtcDateTime
from outreach.core.text.dates import today
from outreach.delivery import outbox
from outreach.delivery.models import (
    Composition,
    Gate,
    GateChange,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    MessageSubject,
    Suppression,
    SuppressionScope,
    Worker,
)
from outreach.directory.register import SchoolReport

# A commit gate respects what was committed before it. Times are compared with this tolerance, for clocks that differ.
MOMENT = timedelta(seconds=1)
UNSEEN = timedelta(minutes=2)
S = MessageState
LEFT = (S.HANDING, S.ACCEPTED, S.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: its name, the wave, and the keys of the rows that break it (messages, or the wave itself)."""

    rule: str
    wave: int
    rows: list[int]

    def as_json(self) -> dict[str, Any]:
        """The breach as JSON, by fixed names."""
        return {"rule": self.rule, "wave": self.wave, "rows": self.rows}


def verify_ledger(session: Session, *, now: datetime) -> list[Breach]:
    """Every breach, by rule and wave; an empty list when all rules hold."""
    breaches = []
    for rule, rows in RULES.items():
        by_wave: dict[int, list[int]] = {}
        for wave, row in rows(session, now):
            by_wave.setdefault(wave, []).append(row)
        breaches += [Breach(rule, wave, sorted(set(keys))) for wave, keys in sorted(by_wave.items())]
    return breaches


Rows = Iterable[tuple[int, int]]


def _messages(session: Session, *conditions: ColumnElement[bool]) -> Rows:
    query = select(Wave.id, Message.id).join(Message, Message.mailing_id == Wave.mailing_id)
    return _pairs(session, query.join(Mailing, Mailing.id == Message.mailing_id).where(*conditions))


def _pairs(session: Session, query: Select[*tuple[Any, ...]]) -> Sequence[tuple[int, int]]:
    return [(wave, row) for wave, row in session.execute(query)]


def _adding_up(session: Session, _now: datetime) -> Rows:
    """The counts of a tally, by final state and under way, add up to the number of messages."""
    counts = dict(session.execute(select(Message.mailing_id, func.count()).group_by(Message.mailing_id)).all())
    waves = session.execute(select(Wave.id, Mailing.id).join(Mailing, Mailing.id == Wave.mailing_id)).all()
    tallies = outbox.tally_mailings(session, [mailing for _, mailing in waves])
    return [(wave, wave) for wave, mailing in waves if tallies[mailing].total != counts.get(mailing, 0)]


def _counted_once(session: Session, _now: datetime) -> Rows:
    """A wave has one message at most for each recipient and address."""
    key = (Message.mailing_id, Message.authority_id, Message.federation_id, Message.address_key)
    query = select(Wave.id, func.max(Message.id)).join(Message, Message.mailing_id == Wave.mailing_id)
    return _pairs(session, query.group_by(Wave.id, *key).having(func.count() > 1))


def _named_once(session: Session, _now: datetime) -> Rows:
    """No two letters share a `public_id`, which is part of their Message-ID and tokens."""
    twin = select(Message.public_id).group_by(Message.public_id).having(func.count() > 1)
    return _messages(session, Message.public_id.in_(twin))


def _nobody_forgotten(session: Session, _now: datetime) -> Rows:
    """A wave that is over has no letter left to send or, when it is finished, without a reply."""
    over = Wave.state.in_((WaveState.FINISHED, WaveState.CANCELLED))
    # When a wave is cancelled, a letter whose final dot was sent may still wait for the relay's reply.
    awaited = and_(Message.state == S.HANDING, Wave.state == WaveState.FINISHED)
    return _messages(session, over, or_(Message.state == S.QUEUED, awaited))


def _proved(session: Session, _now: datetime) -> Rows:
    """A letter that left has a commit gate, a worker, a composition; an accepted one a reply 2xx or another proof."""
    left = Message.state.in_(LEFT)
    kept = exists().where(Composition.message_id == Message.id)
    unproved = or_(Message.fence_id.is_(None), Message.worker_id.is_(None), Message.fenced_at.is_(None), ~kept)
    is_answer = and_(Message.reply_code.is_not(None), Message.reply_code // 100 == 2)
    is_evidence = and_(Message.reply_code.is_(None), Message.reply_text.in_(list(outbox.Proof)))
    unanswered = and_(Message.state == S.ACCEPTED, ~or_(is_answer, is_evidence))
    return [*_messages(session, left, unproved), *_messages(session, unanswered)]


def _explained(session: Session, _now: datetime) -> Rows:
    """Withdrawn letters have a reason, and no others do. Every letter in a final state has the time it reached it."""
    wrong = (Message.state == S.WITHDRAWN) != Message.reason.is_not(None)
    ended = Message.state.in_((S.ACCEPTED, S.REFUSED, S.EXPIRED, S.IN_DOUBT, S.WITHDRAWN))
    return _messages(session, or_(wrong, and_(ended, Message.settled_at.is_(None))))


def _held_by_the_living(session: Session, now: datetime) -> Rows:
    """A letter fenced 2 minutes ago that has no reply yet has a worker seen within the last 2 minutes.

    No letter waits for its reply longer than `DOUBT_RESTS` and 2 minutes.
    """
    alive = select(Worker.id).where(Worker.seen_at > now - UNSEEN)
    old = and_(Message.state == S.HANDING, Message.fenced_at < now - UNSEEN)
    overdue = Message.fenced_at < now - outbox.DOUBT_RESTS - UNSEEN
    return _messages(session, old, or_(Message.worker_id.not_in(alive), overdue))


def _not_while_held(session: Session, _now: datetime) -> Rows:
    """No letter was fenced while its gate was held or closed.

    A commit gate reads the time before it waits for the transaction that opens the gate, so it may be slightly older.
    """
    following = func.lead(GateChange.at, type_=UtcDateTime()).over(
        partition_by=GateChange.mailing_id, order_by=(GateChange.at, GateChange.id)
    )
    change = select(GateChange.mailing_id, GateChange.gate, GateChange.at, following.label("until")).subquery()
    query = (
        select(Wave.id, Message.id, Message.fenced_at, change.c.at, change.c.until)
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .join(change, change.c.mailing_id == Message.mailing_id)
        .where(change.c.gate != Gate.OPEN, Message.fenced_at > change.c.at)
        .where(or_(change.c.until.is_(None), Message.fenced_at < change.c.until))
    )
    return [
        (wave, row)
        for wave, row, fenced_at, at, until in session.execute(query)
        if fenced_at - at > MOMENT and (until is None or until - fenced_at > MOMENT)
    ]


def _not_when_suppressed(session: Session, _now: datetime) -> Rows:
    """No letter was fenced for an address on the suppression list for its class of message."""
    query = (
        select(Wave.id, Message.id, Message.fenced_at, Suppression)
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .join(Suppression, Suppression.address_key == Message.address_key)
        .where(
            Message.state.in_(LEFT),
            or_(Suppression.scope == SuppressionScope.ALL, Mailing.message_class == MessageClass.AWARENESS),
        )
    )
    return [
        (wave, row)
        for wave, row, fenced_at, suppression in session.execute(query)
        if fenced_at
        and suppression.created_at < fenced_at - MOMENT
        and (suppression.lifted_at is None or suppression.lifted_at > fenced_at)
    ]


def _not_once_joined(session: Session, _now: datetime) -> Rows:
    """No letter that left lists a school whose status, as recorded before the commit gate, closes it to reminders."""
    last: dict[tuple[int, int, int], tuple[date, datetime, int, Status]] = {}
    for wave, message, fenced_at, school, *record in session.execute(_records_before_fences()):
        effective_on, recorded_at, _, status = record
        if effective_on <= today(fenced_at - MOMENT):
            # Of a record within `MOMENT` of the commit gate nobody knows which came first.
            said = (effective_on, recorded_at, record[2], status if recorded_at < fenced_at - MOMENT else Status.NONE)
            key = wave, message, school
            last[key] = max(last.get(key, said), said)
    return [(wave, message) for (wave, message, _), said in last.items() if said[3] in CLOSED_TO_REMINDERS]


def _records_before_fences() -> Select[*tuple[Any, ...]]:
    """What was recorded by their commit gate of schools that letters list, where any of it closes one to reminders."""
    record, closing = AdherenceRecord, aliased(AdherenceRecord)
    of_letter = and_(record.school_id == MessageSubject.school_id, record.strand_id == Mailing.stop_strand_id)
    is_closing = (
        exists()
        .where(closing.school_id == MessageSubject.school_id, closing.strand_id == Mailing.stop_strand_id)
        .where(closing.status.in_(CLOSED_TO_REMINDERS), closing.recorded_at < Message.fenced_at)
    )
    is_withdrawn = exists().where(
        RecordWithdrawal.record_id == record.id, RecordWithdrawal.withdrawn_at <= Message.fenced_at
    )
    told = (record.effective_on, record.recorded_at, record.id, record.status)
    return (
        select(Wave.id, Message.id, Message.fenced_at, MessageSubject.school_id, *told)
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(record, of_letter)
        .where(Message.state.in_(LEFT), record.recorded_at <= Message.fenced_at, is_closing, ~is_withdrawn)
    )


def _not_once_reported(session: Session, _now: datetime) -> Rows:
    """No letter that left lists a school reported, before the commit gate, as gone from the letter's authority."""
    of_letter = SchoolReport.school_id == MessageSubject.school_id, SchoolReport.authority_id == Message.authority_id
    query = (
        select(Wave.id, Message.id, Message.fenced_at, SchoolReport.recorded_at, SchoolReport.withdrawn_at)
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(SchoolReport, and_(*of_letter))
        .where(Message.state.in_(LEFT), SchoolReport.recorded_at < Message.fenced_at)
    )
    return [
        (wave, row)
        for wave, row, fenced_at, recorded_at, withdrawn_at in session.execute(query)
        if fenced_at and recorded_at < fenced_at - MOMENT and (withdrawn_at is None or withdrawn_at > fenced_at)
    ]


def _approved(session: Session, _now: datetime) -> Rows:
    """A wave that has a mailing belongs to a campaign approved by a person other than its author. So is its reminder,
    if it was added."""
    approval = _approved_by_another(Thing.CAMPAIGN, Wave.campaign_id, Campaign.created_by)
    sent = select(Wave.id, Wave.id).join(Campaign, Campaign.id == Wave.campaign_id).where(Wave.mailing_id.is_not(None))
    sent = sent.outerjoin(AddedReminder, AddedReminder.id == Wave.added_reminder_id)
    own = _approved_by_another(Thing.REMINDER, Wave.added_reminder_id, AddedReminder.created_by)
    return _pairs(session, sent.where(or_(~approval, and_(Wave.added_reminder_id.is_not(None), ~own))))


def _approved_by_another(
    thing: Thing, key: InstrumentedAttribute[Any], author: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    approves = Decision.kind == DecisionKind.APPROVED
    return exists().where(Decision.subject == thing.subjects(key), approves, Decision.actor != author)


RULES: dict[str, Callable[[Session, datetime], Rows]] = {
    "adding_up": _adding_up,
    "counted_once": _counted_once,
    "named_once": _named_once,
    "nobody_forgotten": _nobody_forgotten,
    "proved": _proved,
    "explained": _explained,
    "held_by_the_living": _held_by_the_living,
    "not_while_held": _not_while_held,
    "not_when_suppressed": _not_when_suppressed,
    "not_once_joined": _not_once_joined,
    "not_once_reported": _not_once_reported,
    "approved": _approved,
}
