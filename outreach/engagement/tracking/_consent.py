"""The choice of a mailbox's holder, made from a letter: to be measured by itself, or no longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.core.db import Session
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Message
from outreach.directory.models import Contact
from outreach.engagement.replies import actor_of
from outreach.engagement.tracking._bases import in_force, record_consent, standing_bases, withdraw_basis
from outreach.engagement.tracking._models import TrackingBasis

THIS_MAILBOX = "la boîte qui a reçu ce courriel"
MOST_AN_HOUR = 10


@dataclass(frozen=True, slots=True)
class MeasureChoice:
    """The choice of a letter's mailbox: the mailbox, and the basis that allows to measure it now, or None."""

    contact: Contact
    basis: TrackingBasis | None


def consent_wording(mailbox: str = THIS_MAILBOX) -> str:
    """The words of an agreement about a mailbox, as they are shown and kept."""
    return (
        f"J’accepte que le service enregistre, pour {mailbox}, quand ses courriels y sont ouverts et quels liens y "
        "sont suivis, afin de savoir à qui il est utile d’écrire de nouveau. Ces indications sont effacées après "
        "treize mois. Refuser ne change rien pour mes écoles, et je peux retirer cet accord à tout moment."
    )


def choice_of(session: Session, message: Message) -> MeasureChoice | None:
    """The choice of a letter's mailbox; None for a test letter, and for an address that is out of use."""
    if message.authority_id is None or outbox.is_test(session, message):
        return None
    theirs = (Contact.authority_id == message.authority_id, Contact.address_key == message.address_key)
    contact = session.scalar(select(Contact).where(*theirs, Contact.retired_at.is_(None)))
    return None if contact is None else MeasureChoice(contact, in_force(session, contact))


def agree_to_tracking(session: Session, message: Message, words: str, *, now: datetime) -> None:
    """Record that the mailbox of a letter agrees to these words, which its page showed. Nothing if it has already.

    Raises NotFound without such a mailbox, InputError when the words have changed since, Refused after too many in an
    hour.
    """
    choice = _of(session, message)
    if choice.basis is not None:
        return
    if words != consent_wording():
        raise InputError("Le texte de cet accord a changé : relisez-le avant de l’enregistrer.")
    since = (TrackingBasis.contact_id == choice.contact.id, TrackingBasis.recorded_at > now - timedelta(hours=1))
    if (session.scalar(select(func.count()).select_from(TrackingBasis).where(*since)) or 0) >= MOST_AN_HOUR:
        raise Refused("Cet accord a été donné et retiré beaucoup de fois en peu de temps : réessayez dans une heure.")
    record_consent(
        session,
        choice.contact,
        given_by=message.address,
        taken_on=today(now),
        wording=words,
        channel=_channel(message),
        now=now,
        actor=actor_of(session, message),
    )


def withdraw_consent(session: Session, message: Message, *, now: datetime) -> None:
    """Withdraw all that allows to measure the mailbox of a letter, whoever recorded it. Raises NotFound without one."""
    for basis in standing_bases(session, _of(session, message).contact):
        withdraw_basis(session, basis, now=now, actor=actor_of(session, message), channel=_channel(message))


def _of(session: Session, message: Message) -> MeasureChoice:
    choice = choice_of(session, message)
    if choice is None:
        raise NotFound("Cette boîte n’est plus en usage.")
    return choice


def _channel(message: Message) -> str:
    return f"page de réponse du courriel {message.public_id}"
