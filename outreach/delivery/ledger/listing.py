"""Lists and counts the recipients of a mailing by what became of them, with the same conditions.

Each `label` is in French, for the interface.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, case, func, or_, select

from outreach.columns import DATA, Column, Kind, On, Queried
from outreach.db import Session
from outreach.delivery.ledger.causes import cause_of
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory import listing
from outreach.directory.models import Authority
from outreach.labelled import Labelled

Recipient = Row[Message, Authority]


class LetterOutcome(Labelled):
    """The outcome of a letter: every letter has exactly one."""

    ACCEPTED = "accepted", "Remis", "remis"
    PENDING = "pending", "En attente"
    DEFERRED = "deferred", "Reportés"
    REFUSED = "refused", "Refusés"
    EXPIRED = "expired", "Expirés"
    IN_DOUBT = "in_doubt", "En doute"
    WITHDRAWN = "withdrawn", "Écartés"

    @property
    def singular(self) -> str:
        """The outcome of one letter, in a sentence."""
        return self.words or self.label.lower().removesuffix("s")


def outcome_of(message: Message) -> LetterOutcome:
    """The outcome of a letter."""
    return outcome_in(message.state, message.attempts)


def outcome_in(state: MessageState, attempts: int) -> LetterOutcome:
    """The outcome of a letter in this state, after so many attempts."""
    if state is MessageState.QUEUED or state is MessageState.HANDING:
        is_deferred = state is MessageState.QUEUED and attempts > 0
        return LetterOutcome.DEFERRED if is_deferred else LetterOutcome.PENDING
    return LetterOutcome(state.value)


def why(message: Message) -> str:
    """Why a letter was withdrawn, put off or refused, in French; '' for any other."""
    return message.reason.label if message.reason else cause_of(message)


def tried_again(session: Session, mailing: int) -> tuple[int, datetime] | None:
    """For deferred letters: the highest number of attempts, and when the next is due. None when there are none."""
    deferred = select(func.max(Message.attempts), func.min(Message.due_at)).where(
        _of(mailing, LetterOutcome.DEFERRED, None)
    )
    attempts, at = session.execute(deferred).one()
    return None if attempts is None else (attempts, at)


def listed(
    session: Session, mailing: int, outcome: LetterOutcome | None, reason: Reason | None = None, sort: str = ""
) -> Queried[Recipient]:
    """The letters of a mailing with this outcome and this reason of withdrawal (None: any), by the authority's name."""
    query = select(Message, Authority).join(Authority, Authority.id == Message.authority_id)
    return Queried(
        title="Visés",
        columns=COLUMNS,
        sort=sort,
        usual="name",
        session=session,
        query=query.where(_of(mailing, outcome, reason)),
        order=(*listing.BY_NAME, Message.id),
        key=Message.authority_id,
        numbered=(Message.id, lambda row: row.Message.id),
    )


def to_authority(session: Session, authority: Authority) -> Sequence[Message]:
    """Every letter meant for an authority, the newest first."""
    query = select(Message).where(Message.authority_id == authority.id)
    return session.scalars(query.order_by(Message.dated_at.desc(), Message.id.desc())).all()


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


def _deferred(message: Message) -> bool:
    return outcome_of(message) is LetterOutcome.DEFERRED


COLUMNS: Sequence[Column[Recipient]] = (
    *listing.authority_columns(lambda row: row.Authority),
    Column("address", "Adresse", lambda row: row.Message.address, sort=Message.address_key),
    Column(
        "outcome",
        "Issue",
        lambda row: outcome_of(row.Message),
        sort=case(*((has_outcome(outcome), place) for place, outcome in enumerate(LetterOutcome))),
    ),
    Column("reason", "Raison", lambda row: why(row.Message), on=DATA),
    Column(
        "since",
        "Depuis",
        lambda row: row.Message.settled_at or row.Message.fenced_at,
        Kind.INSTANT,
        sort=func.coalesce(Message.settled_at, Message.fenced_at),
        on=DATA,
    ),
    Column(
        "said",
        "Réponse du serveur d’envoi",
        lambda row: f"{row.Message.reply_code or ''} {row.Message.reply_text}".strip(),
        on=DATA,
    ),
    Column("attempts", "Essais", lambda row: row.Message.attempts if _deferred(row.Message) else None, on=DATA),
    Column(
        "next",
        "Prochain essai",
        lambda row: row.Message.due_at if _deferred(row.Message) else None,
        Kind.INSTANT,
        on=DATA,
    ),
    Column("letter", "Courriel", lambda _: "", on=On.PAGE),
)
