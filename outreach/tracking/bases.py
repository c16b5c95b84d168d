"""The legal basis for measuring one mailbox by itself: recorded with proof, withdrawn at any time."""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.engine import Connection

from outreach import audit
from outreach.db import Session
from outreach.db.in_list import among_given
from outreach.delivery.models import Message
from outreach.directory.contacts import subject_of
from outreach.directory.models import Contact, MailboxKind
from outreach.errors import InputError, Refused
from outreach.tracking.models import BasisKind, TrackingBasis


def record_consent(
    session: Session,
    contact: Contact,
    *,
    given_by: str,
    taken_on: date,
    wording: str,
    channel: str,
    now: datetime,
    actor: str,
) -> TrackingBasis:
    """Record that the holder of a mailbox agreed: who, when, to which words, by which channel (GDPR, article 7 §1).

    Raises InputError when one of these is missing.
    """
    if not (given_by.strip() and wording.strip() and channel.strip()):
        raise InputError("Un accord se garde avec qui l’a donné, à quels mots et par quel moyen.")
    basis = TrackingBasis(
        kind=BasisKind.CONSENT, given_by=given_by, taken_on=taken_on, wording=wording, channel=channel
    )
    return _record(session, contact, basis, now, actor)


def record_decision(
    session: Session, contact: Contact, *, reference: str, given_by: str, taken_on: date, now: datetime, actor: str
) -> TrackingBasis:
    """Record the data protection officer's decision for a function's mailbox.

    Raises InputError without a reference, Refused for a person's mailbox: only that person can agree.
    """
    if contact.mailbox_kind is not MailboxKind.IMPERSONAL:
        raise Refused("Pour la boîte d’une personne, il faut l’accord de cette personne.")
    if not reference.strip():
        raise InputError("Une décision se garde avec sa référence.")
    basis = TrackingBasis(kind=BasisKind.DECISION, given_by=given_by, taken_on=taken_on, reference=reference)
    return _record(session, contact, basis, now, actor)


def withdraw(session: Session, basis: TrackingBasis, *, now: datetime, actor: str) -> None:
    """End a basis: once this is committed, hits of its letters no longer count. Raises Refused when ended already."""
    if basis.withdrawn_at is not None:
        raise Refused("Cet accord est déjà retiré.")
    basis.withdrawn_at, basis.withdrawn_by = now, actor
    contact = session.get_one(Contact, basis.contact_id)
    audit.record(
        session, now, actor, f"Mesure individuelle retirée pour {contact.address}.", subject_of(contact.authority)
    )


def measurable(session: Session | Connection, messages: Iterable[int]) -> set[int]:
    """Which of these letters go to a mailbox that has a basis now."""
    return set(session.scalars(_MEASURABLE, {"messages": messages}))


def measurable_at(at: datetime) -> Select[int]:
    """The letters that went to a mailbox that had a basis at an instant, as a statement."""
    return with_basis().where(
        TrackingBasis.recorded_at <= at,
        or_(TrackingBasis.withdrawn_at.is_(None), TrackingBasis.withdrawn_at > at),
        or_(Contact.retired_at.is_(None), Contact.retired_at > at),
    )


def with_basis() -> Select[int]:
    """The letters to a mailbox that has or had a basis, as a statement."""
    theirs = (Contact.authority_id == Message.authority_id) & (Contact.address_key == Message.address_key)
    return select(Message.id).join(Contact, theirs).join(TrackingBasis, TrackingBasis.contact_id == Contact.id)


def _record(session: Session, contact: Contact, basis: TrackingBasis, now: datetime, actor: str) -> TrackingBasis:
    basis.contact_id, basis.recorded_at, basis.recorded_by = contact.id, now, actor
    session.add(basis)
    session.flush()
    audit.record(
        session, now, actor, f"Mesure individuelle permise pour {contact.address}.", subject_of(contact.authority)
    )
    return basis


# Built once: building a statement costs as much as executing it.
_MEASURABLE = with_basis().where(
    among_given(Message.id, "messages"), Contact.retired_at.is_(None), TrackingBasis.withdrawn_at.is_(None)
)
