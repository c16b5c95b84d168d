"""The addresses of an authority: derived from its number, or added, corrected, reviewed by staff."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from outreach import audit
from outreach.db import Session, take_turns
from outreach.directory.models import Authority, Contact, ContactSource, MailboxKind
from outreach.errors import InputError, NotFound, Refused
from outreach.mail.addresses import Judgement, judge


def derived_mailbox(fase: int, domain: str) -> str:
    """The administrative mailbox of an authority: "po", its FASE number on six digits, the mailbox domain."""
    return f"po{fase:06d}@{domain}"


def derive_mailboxes(session: Session, fases: Collection[int], *, now: datetime, actor: str, domain: str) -> None:
    """Give each of these authorities its administrative mailbox."""
    identities = session.execute(select(Authority.id, Authority.fase).where(Authority.fase.in_(fases)))
    rows = [
        {
            "authority_id": identity,
            "address": address,
            "address_key": address.casefold(),
            "address_ascii": address,
            "mailbox_kind": MailboxKind.IMPERSONAL,
            "source": ContactSource.DERIVED,
            "added_at": now,
            "added_by": actor,
        }
        for identity, fase in identities
        for address in [derived_mailbox(fase, domain)]
    ]
    if rows:
        session.execute(insert(Contact), rows)


def forget_derived(session: Session, import_id: int) -> None:
    """Remove the derived mailboxes of authorities that an undone edition created, unless retired or bounced."""
    brought = select(Authority.id).where(Authority.created_by == import_id)
    untouched = (Contact.source == ContactSource.DERIVED, Contact.retired_at.is_(None), Contact.bounced_at.is_(None))
    session.execute(delete(Contact).where(Contact.authority_id.in_(brought), *untouched))


def contacts_of(session: Session, authority: Authority) -> Sequence[Contact]:
    """Every address the authority has or had, the ones in use first, then newest first."""
    query = select(Contact).where(Contact.authority_id == authority.id)
    return session.scalars(query.order_by(Contact.retired_at.is_not(None), Contact.added_at.desc(), Contact.id)).all()


def failing_of(session: Session, authority: Authority) -> Sequence[Contact]:
    """The addresses of an authority that rejected a letter and are still to be corrected."""
    waiting = (Contact.authority_id == authority.id, Contact.bounced_at.is_not(None), Contact.retired_at.is_(None))
    return session.scalars(select(Contact).where(*waiting).order_by(Contact.address_key)).all()


def contact(session: Session, authority: Authority, contact_id: int) -> Contact:
    """One address in use of this authority. Raises NotFound."""
    query = select(Contact).where(
        Contact.id == contact_id, Contact.authority_id == authority.id, Contact.retired_at.is_(None)
    )
    held = session.scalar(query)
    if held is None:
        raise NotFound("Cette adresse n’est plus en usage.")
    return held


def add(
    session: Session,
    authority: Authority,
    judged: Judgement,
    *,
    now: datetime,
    actor: str,
    name: str = "",
    kind: MailboxKind,
) -> Contact:
    """Add an address. One in a mixed alphabet is used only once a second person has reviewed it.

    Raises InputError when the authority has this address already.
    """
    take_turns(session, "contacts", authority.fase)
    _refuse_twice(session, authority, judged)
    added = _new(authority, judged, now, actor, name, kind)
    session.add(added)
    waiting = " Elle attend la vérification d’une deuxième personne." if judged.mixed_writing else ""
    audit.record(session, now, actor, f"Adresse {judged.address} ajoutée.{waiting}", subject_of(authority))
    return added


def correct(
    session: Session,
    authority: Authority,
    old: Contact,
    judged: Judgement,
    *,
    now: datetime,
    actor: str,
    name: str = "",
    kind: MailboxKind,
) -> Contact:
    """Replace an address: the old one is retired and stays in the history.

    With the same address, only name and kind change; if it bounced, it is put back in use. Raises InputError when the
    authority has the new address already, NotFound when the old one is retired already.
    """
    _in_use(session, authority, old)
    if judged.key == old.address_key and old.bounced_at is None:
        old.name, old.mailbox_kind = name, kind
        old.address, old.address_ascii = judged.address, judged.ascii
        audit.record(session, now, actor, f"Contact {judged.address} précisé.", subject_of(authority))
        return old
    _refuse_twice(session, authority, judged, besides=old)
    old.retired_at, old.retired_by = now, actor
    session.flush()
    added = _new(authority, judged, now, actor, name, kind)
    session.add(added)
    sentence = f"Adresse {old.address} remplacée par {judged.address}."
    if judged.key == old.address_key:
        sentence = f"Adresse {judged.address} remise en usage après un rejet."
    audit.record(session, now, actor, sentence, subject_of(authority))
    return added


def retire(session: Session, authority: Authority, old: Contact, *, now: datetime, actor: str) -> None:
    """Take an address out of use; it stays in the history. Raises NotFound when it is retired already."""
    _in_use(session, authority, old)
    old.retired_at, old.retired_by = now, actor
    audit.record(session, now, actor, f"Adresse {old.address} retirée.", subject_of(authority))


def review(session: Session, authority: Authority, waiting: Contact, *, now: datetime, actor: str) -> None:
    """Record that a second person reviewed an address.

    Raises Refused when no review was asked for or `actor` added the address, NotFound when it is retired already.
    """
    _in_use(session, authority, waiting)
    if not waiting.awaits_review:
        raise Refused("Cette adresse n’attend pas de vérification.")
    if waiting.added_by == actor:
        raise Refused("La vérification revient à une autre personne que celle qui a ajouté l’adresse.")
    waiting.reviewed_at, waiting.reviewed_by = now, actor
    audit.record(session, now, actor, f"Adresse {waiting.address} vérifiée.", subject_of(authority))


def record_bounce(session: Session, address: str, *, now: datetime, actor: str) -> int:
    """Mark an address as rejecting mail, wherever it is in use; returns how many contacts were marked."""
    query = select(Contact).where(
        Contact.address_key == judge(address).key, Contact.retired_at.is_(None), Contact.bounced_at.is_(None)
    )
    contacts = session.scalars(query).all()
    for failing in contacts:
        failing.bounced_at = now
        audit.record(session, now, actor, f"Rejet constaté pour {failing.address}.", subject_of(failing.authority))
    return len(contacts)


def forget_bounce(session: Session, address_key: str, *, now: datetime, actor: str) -> None:
    """Make an address that rejected mail usable again, wherever it is in use, as `actor` vouches for it."""
    query = select(Contact).where(Contact.address_key == address_key, Contact.retired_at.is_(None))
    for mended in session.scalars(query.where(Contact.bounced_at.is_not(None))).all():
        mended.bounced_at = None
        sentence = f"Adresse {mended.address} remise en usage après un rejet."
        audit.record(session, now, actor, sentence, subject_of(mended.authority))


def subject_of(authority: Authority) -> str:
    """The audit's subject for an authority."""
    return f"authority:{authority.fase}"


def _in_use(session: Session, authority: Authority, held: Contact) -> None:
    take_turns(session, "contacts", authority.fase)
    session.refresh(held)
    if held.retired_at is not None:
        raise NotFound("Cette adresse n’est plus en usage.")


def _refuse_twice(session: Session, authority: Authority, judged: Judgement, besides: Contact | None = None) -> None:
    query = select(Contact.id).where(
        Contact.authority_id == authority.id, Contact.address_key == judged.key, Contact.retired_at.is_(None)
    )
    if any(identity != (besides.id if besides else None) for identity in session.scalars(query)):
        raise InputError(f"Ce pouvoir organisateur a déjà l’adresse {judged.address}.")


def _new(authority: Authority, judged: Judgement, now: datetime, actor: str, name: str, kind: MailboxKind) -> Contact:
    return Contact(
        authority=authority,
        address=judged.address,
        address_key=judged.key,
        address_ascii=judged.ascii,
        name=name,
        mailbox_kind=kind,
        source=ContactSource.STAFF,
        added_at=now,
        added_by=actor,
        review_asked_at=now if judged.mixed_writing else None,
    )
