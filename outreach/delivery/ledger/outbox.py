"""The outbox: open and hold its gates, withdraw, count, and settle what nobody answers for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from outreach import audit
from outreach.db import Session
from outreach.delivery.ledger import journal
from outreach.delivery.ledger.journal import Setback
from outreach.delivery.models import (
    AWAITED,
    DoubtPolicy,
    Gate,
    GateChange,
    Mailing,
    Message,
    MessageState,
    Purpose,
    Reason,
    RecipientKind,
    Worker,
    is_in,
)

UNSEEN = timedelta(seconds=30)
DOUBT_RESTS = timedelta(minutes=15)


class Proof(StrEnum):
    """What shows that a relay took a letter in doubt, in the words that its row keeps."""

    UNSUBSCRIPTION = "arrivé : son lien de désinscription a servi"
    ANSWER = "arrivé : sa page a reçu une réponse"
    HIT = "arrivé : il a été ouvert, ou un de ses liens suivi"
    COMPLAINT = "arrivé : une plainte en parle"
    HUMAN = "arrivé : une personne a écrit à son adresse de retour"
    AUTO_REPLY = "arrivé : une réponse automatique est revenue"
    INFORMATION = "arrivé : un avis de remise ou de lecture est revenu"
    DELAYED = "pris par le relais : un avis de retard est revenu"
    ELSEWHERE = "pris par le relais : un avis de rejet plus loin est revenu"


@dataclass
class Tally:
    """What became of the letters of a mailing. `intended` is all of them; the others add up to it, always."""

    intended: int = 0
    accepted: int = 0
    refused: int = 0
    expired: int = 0
    in_doubt: int = 0
    deferred: int = 0
    pending: int = 0
    withdrawn: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """The ends and the letters on the way, added up."""
        ends = self.accepted + self.refused + self.expired + self.in_doubt + self.withdrawn.total()
        return ends + self.deferred + self.pending

    def as_json(self) -> dict[str, Any]:
        """The counts by their fixed names."""
        names = ("intended", "accepted", "refused", "expired", "in_doubt", "deferred", "pending")
        return {**{name: getattr(self, name) for name in names}, "withdrawn": dict(sorted(self.withdrawn.items()))}


def set_gate(session: Session, mailing: Mailing, gate: Gate, *, now: datetime, actor: str, note: str = "") -> None:
    """Open, hold or close a mailing's gate. Nothing passes a gate that is not open, from this commit on."""
    mailing.gate = gate
    session.add(GateChange(mailing_id=mailing.id, gate=gate, at=now, actor=actor, note=note))


def withdraw_all(session: Session, mailing: Mailing, reason: Reason, *, now: datetime) -> None:
    """Withdraw every letter of a mailing that has not left."""
    _withdraw(session, reason, now, Message.mailing_id == mailing.id)


def withdraw(session: Session, identities: Iterable[int], reason: Reason, *, now: datetime) -> None:
    """Withdraw these letters, as far as they have not left."""
    if which := list(identities):
        _withdraw(session, reason, now, Message.id.in_(which))


def call_off(session: Session, *, now: datetime, among: Sequence[int] | None = None) -> None:
    """Withdraw letters (these, or any) that came back to the queue of a mailing that is over: they would never leave.

    Asked wherever letters come back, and by the clock: on PostgreSQL a cancellation may be committed beside it.
    """
    over = select(Mailing.id).where(Mailing.gate == Gate.CLOSED, Mailing.filled_at.is_not(None))
    which = Message.mailing_id.in_(over)
    _withdraw(session, Reason.CANCELLED, now, which if among is None else and_(which, Message.id.in_(among)))


def tallies(session: Session, mailings: Iterable[int]) -> dict[int, Tally]:
    """Count the letters of mailings by what became of them; one statement over the rows."""
    is_deferred = case((Message.state == MessageState.QUEUED, Message.attempts > 0), else_=False)
    query = (
        select(Message.mailing_id, Message.state, Message.reason, is_deferred, func.count())
        .where(Message.mailing_id.in_(identities := list(mailings)))
        .group_by(Message.mailing_id, Message.state, Message.reason, is_deferred)
    )
    counted = {identity: Tally() for identity in identities}
    for mailing, state, reason, deferred, count in session.execute(query):
        tally = counted[mailing]
        tally.intended += count
        if state is MessageState.WITHDRAWN:
            tally.withdrawn[reason.value] += count
        elif state in {MessageState.QUEUED, MessageState.HANDING}:
            name = "deferred" if deferred else "pending"
            setattr(tally, name, getattr(tally, name) + count)
        else:
            setattr(tally, state.value, count)
    return counted


def doubtful(session: Session, mailing: Mailing) -> Sequence[Message]:
    """The letters that may or may not have arrived, in order."""
    query = select(Message).where(Message.mailing_id == mailing.id, Message.state == MessageState.IN_DOUBT)
    return session.scalars(query.order_by(Message.id)).all()


def message_named(session: Session, identity: bytes) -> Message | None:
    """The letter a token speaks of, by its eight bytes."""
    return session.scalar(select(Message).where(Message.public_id == identity.hex()))


def is_test(session: Session, message: Message) -> bool:
    """Whether a letter went to whoever asked to try it: what is done with it means nothing."""
    return session.get_one(Mailing, message.mailing_id).purpose is Purpose.TEST


def recipients_written_since(
    kind: RecipientKind, since: datetime, *, mailings: Sequence[int] | None = None, ignoring: Sequence[int] = ()
) -> Select[int]:
    """The keys of the recipients a campaign's letter left for after an instant, in doubt or not; one row a letter."""
    left = Message.state.in_((MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT))
    query = (
        select(Message.recipient_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Mailing.purpose == Purpose.CAMPAIGN, Message.recipient_kind == kind, left, Message.fenced_at > since)
    )
    query = query.where(Message.mailing_id.not_in(ignoring)) if ignoring else query
    return query if mailings is None else query.where(Message.mailing_id.in_(mailings))


def recipients_meant_by(kind: RecipientKind, mailings: Sequence[int]) -> Select[int]:
    """The keys of the recipients these mailings meant to write to, left out at launch or not."""
    return select(Message.recipient_id).where(Message.recipient_kind == kind, Message.mailing_id.in_(mailings))


def withdraw_queued(
    session: Session, kind: RecipientKind, recipient: int, mailings: Sequence[int], reason: Reason, *, now: datetime
) -> None:
    """Withdraw the letters of these mailings to one recipient, as far as they have not left."""
    to = and_(Message.recipient_kind == kind, Message.recipient_id == recipient, Message.mailing_id.in_(mailings))
    _withdraw(session, reason, now, to)


def evidence(session: Session, message: Message, proof: Proof, *, now: datetime) -> bool:
    """What only a letter that was taken can bring about has come: it left, whatever the relay did not say.

    Settles a doubt, also one that waits for an answer or to be sent again. Returns whether there was one.
    """
    again = and_(Message.state == MessageState.QUEUED, Message.resent_at.is_not(None))
    doubted = or_(Message.state.in_(AWAITED), again)
    changed = session.execute(
        update(Message)
        .where(Message.id == message.id, doubted)
        .values(state=MessageState.ACCEPTED, settled_at=now, reply_code=None, reply_status="", reply_text=proof)
        .returning(Message.id)
    )
    return changed.first() is not None


def doubt_the_abandoned(session: Session, *, now: datetime) -> int:
    """Put in doubt the letters whose worker has not been seen for 30 s: their dot may have been written.

    And those fenced 15 minutes ago, whoever lives: a dot is awaited for ten. A commit that landed after its worker had
    looked for it in vain leaves rows that nobody else would ever ask about.
    """
    is_alive = select(Worker.id).where(Worker.seen_at > now - UNSEEN, Worker.stopped_at.is_(None))
    is_overdue = Message.fenced_at <= now - DOUBT_RESTS
    changed = session.execute(
        update(Message)
        .where(is_in(MessageState.HANDING), or_(Message.worker_id.not_in(is_alive), is_overdue))
        .values(state=MessageState.IN_DOUBT, settled_at=now)
        .returning(Message.mailing_id)
    )
    doubted = Counter((mailing, Setback.IN_DOUBT) for mailing in changed.scalars())
    journal.note(session, doubted, now=now, actor="système")
    return doubted.total()


def under_way(session: Session, mailings: Iterable[int]) -> set[int]:
    """Which of these mailings have a letter on the way; doubt does not hold an end up."""
    some = exists().where(
        Message.mailing_id == Mailing.id, Message.state.in_((MessageState.QUEUED, MessageState.HANDING))
    )
    return set(session.scalars(select(Mailing.id).where(Mailing.id.in_(list(mailings)), some)))


def awaiting_resend(session: Session, mailings: Iterable[int]) -> set[int]:
    """Which of these mailings have a doubt that is to be sent once more, and was not yet."""
    query = select(Message.mailing_id).where(Message.mailing_id.in_(list(mailings)), _is_to_be_resent())
    return set(session.scalars(query.distinct()))


def resend_the_doubtful(session: Session, *, now: datetime) -> int:
    """Send once more, byte for byte, what a mailing may not leave in doubt, 15 minutes after its fence.

    Only through an open gate: behind any other it would wait for ever, or against somebody's will.
    """
    is_open = Message.mailing_id.in_(select(Mailing.id).where(Mailing.gate == Gate.OPEN))
    changed = session.execute(
        update(Message)
        .where(_is_to_be_resent(), is_open, Message.fenced_at <= now - DOUBT_RESTS)
        .values(state=MessageState.QUEUED, resent_at=now, due_at=now)
        .returning(Message.id)
    )
    identities = changed.scalars().all()
    for identity in identities:
        audit.record(session, now, "système", "Courriel resté en doute : renvoyé à l’identique.", f"message:{identity}")
    return len(identities)


def _is_to_be_resent() -> ColumnElement[bool]:
    statutory = select(Mailing.id).where(Mailing.doubt_policy == DoubtPolicy.RESEND)
    in_doubt = Message.state == MessageState.IN_DOUBT
    return and_(in_doubt, Message.resent_at.is_(None), Message.mailing_id.in_(statutory))


def _withdraw(session: Session, reason: Reason, now: datetime, which: ColumnElement[bool]) -> None:
    session.execute(
        update(Message)
        .where(Message.state == MessageState.QUEUED, which)
        .values(state=MessageState.WITHDRAWN, reason=reason, settled_at=now)
    )
