"""The recipients of a mailing by what became of them, and why, in French.

A relay says it by an enhanced status code (RFC 3463, RFC 7505), else by the reply's code alone (RFC 5321 §4.2.3).

What became of letters, as a condition and in words, and the letters of a mailing.

Each `label` is in French, for the interface.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, func, or_, select

from outreach.core.db import Session
from outreach.core.tables import QueryListing
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Authority

WAIT = "le serveur demande d’attendre"
_BY_STATUS = {
    "1.0": "l’adresse est refusée",
    "1.1": "l’adresse n’existe pas",
    "1.2": "le domaine de l’adresse n’existe pas",
    "1.3": "l’adresse est mal formée",
    "1.6": "la boîte a déménagé",
    "1.10": "le domaine de l’adresse ne reçoit pas de courriels",
    "2.0": "la boîte refuse les courriels",
    "2.1": "la boîte est désactivée",
    "2.2": "la boîte est pleine",
    "2.3": "le courriel est trop gros pour la boîte",
    "3.1": "le serveur du destinataire n’a plus de place",
    "3.4": "le courriel est trop gros pour le serveur du destinataire",
    "4.1": "le serveur du destinataire ne répond pas",
    "4.2": "la liaison avec le serveur du destinataire s’est interrompue",
    "4.3": "l’annuaire des domaines ne répond pas",
    "4.4": "le domaine de l’adresse n’existe pas, ou ne dit pas où remettre ses courriels",
    "4.5": "le serveur du destinataire est surchargé",
    "4.7": "le délai de remise est dépassé",
    "7.0": "le serveur du destinataire refuse nos courriels",
    "7.1": "le serveur du destinataire refuse nos courriels",
}
_BY_SUBJECT = {
    "1": "l’adresse est refusée",
    "2": "la boîte refuse les courriels",
    "3": "le serveur du destinataire ne peut pas recevoir ce courriel",
    "4": "le courriel n’a pas pu être acheminé",
    "5": "le serveur du destinataire et le serveur d’envoi ne se sont pas compris",
    "6": "le serveur du destinataire n’accepte pas la forme du courriel",
    "7": "le serveur du destinataire refuse nos courriels",
}
_BY_CODE = {
    421: "le serveur est momentanément fermé",
    450: "la boîte est momentanément indisponible",
    451: WAIT,
    452: "le serveur n’a momentanément plus de place",
    550: "la boîte n’existe pas ou refuse les courriels",
    551: "la boîte n’est plus à cette adresse",
    552: "la boîte est pleine",
    553: "l’adresse est mal formée",
    554: "le serveur du destinataire refuse le courriel",
}
_UNSETTLED = {MessageState.QUEUED, MessageState.REFUSED, MessageState.EXPIRED}


def cause_of(message: Message) -> str:
    """Why a letter was put off, refused or given up, in French without a full stop; '' when no reply says why."""
    return cause_in_words(message.state, message.reply_code, message.reply_status, message.reply_text)


def cause_in_words(state: MessageState, code: int | None, status: str, text: str) -> str:
    """`cause_of` a letter in this state, to which the relay last replied this."""
    if state not in _UNSETTLED or not (code or status or text):
        return ""
    said = cause(code, status)
    return f"{said}, et le délai est passé" if state is MessageState.EXPIRED else said


def cause(code: int | None, status: str) -> str:
    """The meaning of a reply: `status` is its enhanced status code ('5.1.1') or ''."""
    kind, _, told = status.partition(".")
    if kind == "4" and told.startswith("7."):  # greylisting and limits of rate, which a later try passes
        return WAIT
    subject = told.partition(".")[0]
    known = _BY_STATUS.get(told) or _BY_SUBJECT.get(subject) or _BY_CODE.get(code or 0)
    return known or (WAIT if code and code < 500 else "le serveur d’envoi refuse le courriel")


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


def cause_of_state(message: Message) -> str:
    """Why a letter was withdrawn, put off or refused, in French; '' for any other."""
    return message.reason.label if message.reason else cause_of(message)


def tried_again(session: Session, mailing: int) -> tuple[int, datetime] | None:
    """For deferred letters: the highest number of attempts, and when the next is due. None when there are none."""
    deferred = select(func.max(Message.attempts), func.min(Message.due_at))
    deferred = deferred.where(Message.mailing_id == mailing, has_outcome(LetterOutcome.DEFERRED))
    attempts, at = session.execute(deferred).one()
    return None if attempts is None else (attempts, at)


def list_letters(session: Session, mailing: int) -> QueryListing[Recipient]:
    """The letters of a mailing, as programs read them."""
    query = select(Message, Authority).join(Authority, Authority.id == Message.authority_id)
    return QueryListing(
        title="Courriels",
        columns=(),
        session=session,
        query=query.where(Message.mailing_id == mailing),
        order=(Message.id,),
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
