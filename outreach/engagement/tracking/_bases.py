"""The legal basis for measuring one mailbox by itself: recorded with proof, withdrawn at any time."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from outreach.core import audit
from outreach.core.db import Session, take_lock
from outreach.core.db.bulk import among_given
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.typed import CONTROLS, line_of_words
from outreach.delivery.models import Mailing, Message
from outreach.directory.contacts import subject_of
from outreach.directory.models import Authority, Contact, MailboxKind
from outreach.engagement.tracking._models import BasisKind, BasisWithdrawal, NewHit, TrackingBasis

LONGEST_LINE = 200  # who, channel, reference
LONGEST_WORDING = 2000
TO_COME = "Ce jour est à venir : indiquez celui où l’accord ou la décision a été donné."


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

    It counts from the next wave on. Raises InputError when one of these is missing, too long or to come, Refused when
    the mailbox is out of use or has a basis already.
    """
    given_by, channel, wording = _line(given_by), _line(channel), wording.strip()
    if not (given_by and wording and channel):
        raise InputError("Indiquez qui a donné l’accord, en quels termes, par quel moyen.")
    if len(wording) > LONGEST_WORDING or CONTROLS.search(wording):
        raise InputError("Les mots de l’accord dépassent 2 000 caractères, ou contiennent un caractère interdit.")
    fields = {"given_by": given_by, "taken_on": taken_on, "wording": wording, "channel": channel}
    return _record(session, contact, TrackingBasis(kind=BasisKind.CONSENT, **fields), now, actor)


def record_decision(
    session: Session, contact: Contact, *, reference: str, given_by: str, taken_on: date, now: datetime, actor: str
) -> TrackingBasis:
    """Record the data protection officer's decision for a function's mailbox. It counts from the next wave on.

    Raises InputError without a reference or a name, Refused for a person's mailbox (only that person can agree), for
    one that withdrew by itself, one out of use, and one that has a basis already.
    """
    if contact.mailbox_kind is not MailboxKind.IMPERSONAL:
        raise Refused("Pour la boîte d’une personne, il faut l’accord de cette personne.")
    given_by, reference = _line(given_by), _line(reference)
    if not (reference and given_by):
        raise InputError("Indiquez la référence de la décision, et qui l’a prise.")
    if _withdrew_by_itself(session, contact):
        raise Refused("Cette boîte a elle-même demandé à ne plus être mesurée : il faut son accord.")
    basis = TrackingBasis(kind=BasisKind.DECISION, given_by=given_by, taken_on=taken_on, reference=reference)
    return _record(session, contact, basis, now, actor)


def withdraw_basis(session: Session, basis: TrackingBasis, *, now: datetime, actor: str, channel: str = "") -> None:
    """End a basis: once this is committed, hits of its letters no longer count. Raises Refused when ended already."""
    contact = basis.contact
    take_lock(session, "bases", contact.id)
    if session.get(BasisWithdrawal, basis.id) is not None:
        raise Refused("Cet accord est déjà retiré.")
    channel = _line(channel)
    session.add(BasisWithdrawal(basis_id=basis.id, withdrawn_at=now, withdrawn_by=actor, channel=channel))
    drop_new(session, _is_to(contact))
    session.flush()
    session.refresh(basis, ["withdrawn_at", "withdrawn_by", "withdrawn_through"])
    said = f"Mesure individuelle retirée pour {contact.address}."
    audit.record_entry(session, now, actor, said, subject_of(contact.authority))


def drop_new(session: Session, *letters: ColumnElement[bool]) -> None:
    """Delete the hits of these letters that the clock has not moved yet: what is measured ends with them."""
    theirs = select(Message.public_id).where(*letters)
    session.execute(delete(NewHit).where(NewHit.public_id.in_(theirs)).execution_options(synchronize_session=False))


def in_force(session: Session, contact: Contact) -> TrackingBasis | None:
    """The basis that allows to measure this mailbox by itself now, or None."""
    if contact.retired_at is not None:
        return None
    query = select(TrackingBasis).join(Contact, Contact.id == TrackingBasis.contact_id)
    return session.scalar(query.where(Contact.id == contact.id, _holds(), _suits()).limit(1))


def standing_bases(session: Session, contact: Contact) -> Sequence[TrackingBasis]:
    """The basis recorded for this mailbox and not withdrawn, whether or not it allows anything now."""
    return [basis for basis in _of(session, contact) if basis.withdrawn_at is None]


def of_authority(session: Session, authority: Authority) -> Sequence[TrackingBasis]:
    """All that was ever recorded for the mailboxes of an authority, the newest first."""
    theirs = select(Contact.id).where(Contact.authority_id == authority.id)
    query = select(TrackingBasis).where(TrackingBasis.contact_id.in_(theirs)).order_by(TrackingBasis.id.desc())
    return session.scalars(query).all()


def basis_numbered(session: Session, authority: Authority, number: int) -> TrackingBasis:
    """The basis with this number, of a mailbox of this authority. Raises NotFound."""
    basis = session.get(TrackingBasis, number)
    if basis is None or basis.contact.authority_id != authority.id:
        raise NotFound("Cet accord n’existe pas.")
    return basis


def measurable_messages(session: Session | Connection, messages: Iterable[int]) -> set[int]:
    """Which of these letters go to a mailbox whose basis holds now, and held when the wave's recipients were stored.

    So an agreement counts from the next wave on, even where an earlier one had been withdrawn.
    """
    return set(session.scalars(_MEASURABLE, {"messages": messages}))


def measurable_at(at: datetime | InstrumentedAttribute[datetime | None]) -> Select[int]:
    """The letters that went to a mailbox that had a basis at an instant, given or in a column, as a statement."""
    return with_basis().where(
        TrackingBasis.recorded_at <= at,
        ~_is_withdrawn(BasisWithdrawal.withdrawn_at <= at),
        or_(Contact.retired_at.is_(None), Contact.retired_at > at),
    )


def with_basis() -> Select[int]:
    """The letters to a mailbox that has or had a basis, as a statement."""
    query = (
        select(Message.id).join(Contact, _is_to(Contact)).join(TrackingBasis, TrackingBasis.contact_id == Contact.id)
    )
    return query.where(_suits())


def mailboxes_in_force() -> Select[int]:
    """The keys of the contacts that may be measured by themselves now, as a statement."""
    query = select(TrackingBasis.contact_id).join(Contact, Contact.id == TrackingBasis.contact_id)
    return query.where(Contact.retired_at.is_(None), _holds(), _suits())


def _is_to(contact: Contact | type[Contact]) -> ColumnElement[bool]:
    return and_(Message.authority_id == contact.authority_id, Message.address_key == contact.address_key)


def _holds() -> ColumnElement[bool]:
    return ~_is_withdrawn()


def _is_withdrawn(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    query = select(BasisWithdrawal.basis_id).where(BasisWithdrawal.basis_id == TrackingBasis.id, *conditions)
    return query.correlate_except(BasisWithdrawal).exists()


def _suits() -> ColumnElement[bool]:
    """A decision allows nothing any more once staff know that the mailbox is a person's."""
    return or_(TrackingBasis.kind == BasisKind.CONSENT, Contact.mailbox_kind == MailboxKind.IMPERSONAL)


def _of(session: Session, contact: Contact) -> Sequence[TrackingBasis]:
    return session.scalars(select(TrackingBasis).where(TrackingBasis.contact_id == contact.id)).all()


def _withdrew_by_itself(session: Session, contact: Contact) -> bool:
    """Whether a mailbox ever withdrew a basis, however it was spelt then; one put back in use is another contact."""
    theirs = (Contact.authority_id == contact.authority_id, Contact.address_key == contact.address_key)
    query = select(BasisWithdrawal.withdrawn_by).join(TrackingBasis, TrackingBasis.id == BasisWithdrawal.basis_id)
    query = query.join(Contact, Contact.id == TrackingBasis.contact_id).where(*theirs)
    own = {audit.mailbox_actor(number) for number in session.scalars(select(Contact.id).where(*theirs))}
    return any(by in own or by.casefold() == contact.address_key.casefold() for by in session.scalars(query))


def _record(session: Session, contact: Contact, basis: TrackingBasis, now: datetime, actor: str) -> TrackingBasis:
    if basis.taken_on > today(now):
        raise InputError(TO_COME)
    take_lock(session, "bases", contact.id)
    if contact.retired_at is not None:
        raise Refused("Cette adresse n’est plus en usage.")
    if in_force(session, contact) is not None:
        raise Refused("Cette boîte a déjà un accord ou une décision : retirez-le d’abord.")
    basis.contact_id, basis.recorded_at, basis.recorded_by = contact.id, now, actor
    session.add(basis)
    session.flush()
    audit.record_entry(session, now, actor, _permitted(basis, contact.address), subject_of(contact.authority))
    return basis


def _permitted(basis: TrackingBasis, address: str) -> str:
    by = f"{basis.kind.label} du {basis.taken_on:%d/%m/%Y}, {basis.given_by}"
    return f"Mesure individuelle permise pour {address} ({by})."


def _line(text: str) -> str:
    line = line_of_words(text)
    if len(line) > LONGEST_LINE:
        raise InputError(f"« {line[:20]}… » dépasse 200 caractères.")
    return line


def _measurable(which: ColumnElement[bool]) -> Select[int]:
    query = with_basis().join(Mailing, Mailing.id == Message.mailing_id)
    held = TrackingBasis.recorded_at <= Mailing.filled_at
    return query.where(which, Contact.retired_at.is_(None), held, _holds())


# Built once: building a statement costs as much as executing it.
_MEASURABLE = _measurable(among_given(Message.id, "messages"))
