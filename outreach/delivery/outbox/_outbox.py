"""The outbox: gates of mailings, letters withdrawn, counted and settled, and the audit of those not accepted.

A storm of deferrals concerns thousands of letters; a round of them is one line. Accepted letters cost nothing here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    update,
)

from outreach.core import audit
from outreach.core.db import Session
from outreach.delivery.models import (
    AWAITED,
    DoubtPolicy,
    Gate,
    GateChange,
    Mailing,
    Message,
    MessageClass,
    MessageState,
    Purpose,
    Reason,
    Worker,
    is_in,
)

UNSEEN = timedelta(seconds=30)
LEFT = (MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)
DOUBT_RESTS = timedelta(minutes=15)


class Proof(StrEnum):
    """Evidence that a relay accepted a letter in doubt, in the French words that its row stores."""

    UNSUBSCRIPTION = "arrivé : son lien de désinscription a servi"
    ANSWER = "arrivé : sa page a reçu une réponse"
    HIT = "arrivé : il a été ouvert, ou un de ses liens suivi"
    COMPLAINT = "arrivé : une plainte en parle"
    HUMAN = "arrivé : une personne a écrit à son adresse de retour"
    AUTO_REPLY = "arrivé : une réponse automatique est revenue"
    INFORMATION = "arrivé : un avis de remise ou de lecture est revenu"
    DELAYED = "pris par le serveur d’envoi : un avis de retard est revenu"
    ELSEWHERE = "pris par le serveur d’envoi : un avis de rejet plus loin est revenu"


@dataclass
class Tally:
    """The letters of a mailing, counted by what became of them. The other counts always add up to `intended`."""

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
        """The sum of the other counts: ends, and letters on the way."""
        ends = self.accepted + self.refused + self.expired + self.in_doubt + self.withdrawn.total()
        return ends + self.deferred + self.pending

    def as_json(self) -> dict[str, Any]:
        """The counts by their fixed names."""
        names = ("intended", "accepted", "refused", "expired", "in_doubt", "deferred", "pending")
        return {**{name: getattr(self, name) for name in names}, "withdrawn": dict(sorted(self.withdrawn.items()))}


def set_gate(session: Session, mailing: Mailing, gate: Gate, *, now: datetime, actor: str, note: str = "") -> None:
    """Open, hold or close a mailing's gate. From this commit on, nothing passes a gate that is not open."""
    mailing.gate = gate
    session.add(GateChange(mailing_id=mailing.id, gate=gate, at=now, actor=actor, note=note))


def opened_by(session: Session, actor: str, purpose: Purpose, *, since: datetime) -> int:
    """How many mailings of a purpose a person has let leave after a moment."""
    query = select(func.count()).select_from(GateChange).join(Mailing, Mailing.id == GateChange.mailing_id)
    theirs = (GateChange.actor == actor, GateChange.gate == Gate.OPEN, GateChange.at > since)
    return session.scalar(query.where(Mailing.purpose == purpose, *theirs)) or 0


def withdraw_all(session: Session, mailing: Mailing, reason: Reason, *, now: datetime) -> None:
    """Withdraw every letter of a mailing that is still queued."""
    _withdraw(session, reason, now, Message.mailing_id == mailing.id)


def withdraw_letters(session: Session, identities: Iterable[int], reason: Reason, *, now: datetime) -> None:
    """Withdraw those of these letters that are still queued."""
    if which := list(identities):
        _withdraw(session, reason, now, Message.id.in_(which))


def withdraw_stranded(session: Session, *, now: datetime, among: Sequence[int] | None = None) -> None:
    """Withdraw letters that returned to the queue of a closed mailing: they would never leave.

    `among` limits this to some keys. Called wherever letters return to the queue, and by the clock: on PostgreSQL a
    cancellation may be committed at the same time.
    """
    over = select(Mailing.id).where(Mailing.gate == Gate.CLOSED, Mailing.filled_at.is_not(None))
    which = Message.mailing_id.in_(over)
    _withdraw(session, Reason.CANCELLED, now, which if among is None else and_(which, Message.id.in_(among)))


def tally_mailings(session: Session, mailings: Iterable[int]) -> dict[int, Tally]:
    """Count the letters of each mailing by what became of them, in one statement over the rows."""
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


def doubtful_letters(session: Session, mailing: Mailing) -> Sequence[Message]:
    """The letters of a mailing that are in doubt, in order."""
    query = select(Message).where(Message.mailing_id == mailing.id, Message.state == MessageState.IN_DOUBT)
    return session.scalars(query.order_by(Message.id)).all()


def message_named(session: Session, identity: bytes) -> Message | None:
    """The letter that a token names, by its eight bytes; None when there is none."""
    return session.scalar(select(Message).where(Message.public_id == identity.hex()))


def is_test(session: Session, message: Message) -> bool:
    """Whether a letter is a test letter: nothing that is done with it counts."""
    return session.get_one(Mailing, message.mailing_id).purpose is Purpose.TEST


def authorities_written_since(
    since: datetime, *, mailings: Sequence[int] | None = None, ignoring: Sequence[int] = ()
) -> Select[int | None]:
    """Select the authorities for whom a campaign's letter left after `since`, in doubt or not: a row for each letter.

    `mailings` limits this to some mailings; those in `ignoring` are left out.
    """
    query = (
        select(Message.authority_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(
            Mailing.purpose == Purpose.CAMPAIGN, _is_to_authority(), Message.state.in_(LEFT), Message.fenced_at > since
        )
    )
    query = query.where(Message.mailing_id.not_in(ignoring)) if ignoring else query
    return query if mailings is None else query.where(Message.mailing_id.in_(mailings))


def mailboxes_solicited(since: datetime, letters: int, *, ignoring: Sequence[int] = ()) -> Select[str]:
    """Select the mailboxes (address keys) to which so many awareness letters left since then, or wait to leave.

    Letters of the mailings in `ignoring` do not count.
    """
    counts = or_(
        and_(Message.state.in_(LEFT), Message.fenced_at > since),
        Message.state == MessageState.QUEUED,
    )
    query = (
        select(Message.address_key)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(
            Mailing.purpose.in_((Purpose.CAMPAIGN, Purpose.LETTER)),
            Mailing.message_class == MessageClass.AWARENESS,
            Message.mailing_id.not_in(ignoring),
            counts,
        )
    )
    often = query.group_by(Message.address_key).having(func.count() >= letters)
    # Grouped once: otherwise SQLite would do so for every place in which a statement asks. Without a name, as a
    # statement about several campaigns has one for each.
    return select(often.cte().prefix_with("MATERIALIZED").c.address_key)


def mailings_received(session: Session, authorities: Sequence[int], since: datetime) -> dict[int, set[int]]:
    """The mailings of campaigns of which a letter left for each of these authorities since then; doubts count.

    However many of its mailboxes a mailing went to, it is one.
    """
    query = select(Message.authority_id, Message.mailing_id).join(Mailing, Mailing.id == Message.mailing_id)
    query = query.where(
        Mailing.purpose == Purpose.CAMPAIGN,
        Message.authority_id.in_(authorities),
        Message.state.in_(LEFT),
        Message.fenced_at >= since,
    )
    received: dict[int, set[int]] = {}
    for authority, mailing in session.execute(query.distinct()):
        received.setdefault(authority or 0, set()).add(mailing)
    return received


def has_left(
    mailings: Sequence[int], authority: SQLColumnExpression[int], address_key: SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """The SQL condition that a letter of one of these mailings left for an address of an authority, in doubt or not.

    One that was to be sent once more has left before, whatever became of its second copy.
    """
    if not mailings:
        return false()
    is_theirs = and_(Message.authority_id == authority, Message.address_key == address_key)
    is_gone = or_(Message.state.in_(LEFT), Message.resent_at.is_not(None))
    return exists().where(is_theirs, Message.mailing_id.in_(mailings), is_gone)


def authorities_meant_by(mailings: Sequence[int]) -> Select[int | None]:
    """Select the authorities that these mailings are for, including those left out at launch: a row for each letter."""
    return select(Message.authority_id).where(_is_to_authority(), Message.mailing_id.in_(mailings))


def withdraw_queued(
    session: Session,
    authority: int,
    mailings: Sequence[int],
    reason: Reason,
    *,
    now: datetime,
    address_key: str | None = None,
) -> None:
    """Withdraw the letters of these mailings to one authority, or to one of its addresses, that are still queued."""
    which = and_(Message.authority_id == authority, Message.mailing_id.in_(mailings))
    which = which if address_key is None else and_(which, Message.address_key == address_key)
    _withdraw(session, reason, now, which)


def requeue_withdrawn(session: Session, mailings: Sequence[int], reason: Reason, *which: ColumnElement[bool]) -> None:
    """Let the letters of these mailings wait again that were withdrawn for this reason, as far as conditions say."""
    session.execute(
        update(Message)
        .where(Message.mailing_id.in_(mailings), Message.reason == reason, *which)
        .where(Message.state == MessageState.WITHDRAWN)
        .values(state=MessageState.QUEUED, reason=None, settled_at=None)
    )


def count_as_accepted(session: Session, message: Message, proof: Proof, *, now: datetime) -> bool:
    """Count a letter as accepted, because something came that only an accepted letter can cause.

    This settles a doubt, also of a letter that waits for an answer or to be sent again. Returns whether there was one.
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

    Also those fenced 15 minutes ago, even if their worker lives: it waits 10 minutes for the answer to a dot. Such rows
    remain when a commit gate takes effect after its worker has looked for it in vain; nothing else would settle
    them. Returns how many letters were put in doubt.
    """
    is_alive = select(Worker.id).where(Worker.seen_at > now - UNSEEN, Worker.stopped_at.is_(None))
    is_overdue = Message.fenced_at <= now - DOUBT_RESTS
    changed = session.execute(
        update(Message)
        .where(is_in(MessageState.HANDING), or_(Message.worker_id.not_in(is_alive), is_overdue))
        .values(state=MessageState.IN_DOUBT, settled_at=now)
        .returning(Message.mailing_id)
    )
    doubted = Counter((mailing, SendError.IN_DOUBT) for mailing in changed.scalars())
    note(session, doubted, now=now, actor="système")
    return doubted.total()


def under_way(session: Session, mailings: Iterable[int]) -> set[int]:
    """Which of these mailings have a letter on the way. Letters in doubt do not count."""
    some = exists().where(
        Message.mailing_id == Mailing.id, Message.state.in_((MessageState.QUEUED, MessageState.HANDING))
    )
    return set(session.scalars(select(Mailing.id).where(Mailing.id.in_(list(mailings)), some)))


def awaiting_resend(session: Session, mailings: Iterable[int]) -> set[int]:
    """Which of these mailings have a letter in doubt that is still to be sent once more."""
    query = select(Message.mailing_id).where(Message.mailing_id.in_(list(mailings)), _is_to_be_resent())
    return set(session.scalars(query.distinct()))


def resend_the_doubtful(session: Session, *, now: datetime) -> int:
    """Queue once more, the same to the byte, the letters that a mailing may not leave in doubt. Returns how many.

    Only 15 minutes after their commit gate, and only if the gate is open: behind any other they would wait for ever, or
    leave against a person's will.
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
        audit.record_entry(
            session, now, "système", "Courriel resté en doute : renvoyé à l’identique.", f"message:{identity}"
        )
    return len(identities)


def _is_to_authority() -> ColumnElement[bool]:
    """True for a letter to an authority. Without it, one letter to a federation would make every NOT IN unknown."""
    return Message.authority_id.is_not(None)


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


def due_in_transit(session: Session, *, now: datetime) -> OnTheWay:
    """The letters that are due, of mailings that nobody holds."""
    is_open = exists().where(Mailing.id == Message.mailing_id, Mailing.gate == Gate.OPEN)
    query = select(func.count(), func.min(Message.due_at)).where(is_in(MessageState.QUEUED), Message.due_at <= now)
    return OnTheWay(*session.execute(query.where(is_open)).one())


def by_state(session: Session) -> dict[MessageState, OnTheWay]:
    """The letters in each state of SINCE, by the index of that state; of those queued, some may be due later."""
    query = {state: select(func.count(), func.min(at)).where(is_in(state)) for state, at in SINCE.items()}
    return {state: OnTheWay(*session.execute(asked).one()) for state, asked in query.items()}


def recent_states(session: Session, *, now: datetime) -> dict[MessageState, int]:
    """The letters of the last seven days' mailings, by state. Counting all that ever left would read all of them."""
    keys = session.scalars(select(Mailing.id).where(Mailing.created_at > now - RECENT)).all()
    query = select(Message.state, func.count()).where(Message.mailing_id.in_(keys)).group_by(Message.state)
    counted = dict.fromkeys(MessageState, 0)
    for state, count in session.execute(query):
        counted[state] = count
    return counted


class SendError(Enum):
    """A fate of letters that were not accepted; the value is in French, for one letter and for several."""

    DEFERRED = ("reporté", "reportés")
    EXPIRED = ("expiré après 24 heures", "expirés après 24 heures")
    REFUSED = ("refusé par le serveur d’envoi", "refusés par le serveur d’envoi")
    AGAINST_RULES = (
        "refusé par le serveur d’envoi au nom de ses règles (5.7)",
        "refusés par le serveur d’envoi au nom de ses règles (5.7)",
    )
    IN_DOUBT = ("en doute", "en doute")


def mailing_subject(mailing: int) -> str:
    """The name of a mailing in the audit, from its key."""
    return f"mailing:{mailing}"


def note(session: Session, happened: Mapping[tuple[int, SendError], int], *, now: datetime, actor: str) -> None:
    """Record in the audit how many letters of each mailing had each setback.

    To be called in the transaction that changes their rows.
    """
    for (mailing, event), count in happened.items():
        singular, plural = event.value
        sentence = f"{count} courriels {plural}." if count > 1 else f"{count} courriel {singular}."
        audit.record_entry(session, now, actor, sentence, mailing_subject(mailing))
