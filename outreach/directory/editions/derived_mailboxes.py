"""The administrative mailboxes that an edition gives to new authorities, and takes back as it is undone."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, exists, insert, select

from outreach.db import Session
from outreach.directory.models import Authority, Contact, ContactSchool, ContactSource, MailboxKind
from outreach.mail.addresses import key_of


def derived_mailbox(fase: int, domain: str) -> str:
    """The administrative mailbox of an authority: "po", its FASE number on six digits, the mailbox domain."""
    return f"po{fase:06d}@{domain}"


def derive_mailboxes(session: Session, fases: Collection[int], *, now: datetime, actor: str, domain: str) -> None:
    """Give each of these authorities its administrative mailbox."""
    # All are read: a statement takes no more than some ten thousand numbers.
    identities, wanted = session.execute(select(Authority.id, Authority.fase)), set(fases)
    rows = [
        {
            "authority_id": identity,
            "address": address,
            "address_key": key_of(address),
            "address_ascii": address,
            "mailbox_kind": MailboxKind.IMPERSONAL,
            "source": ContactSource.DERIVED,
            "added_at": now,
            "added_by": actor,
        }
        for identity, fase in identities
        if fase in wanted
        for address in [derived_mailbox(fase, domain)]
    ]
    if rows:
        session.execute(insert(Contact), rows)


def forget_derived(session: Session, import_id: int) -> None:
    """Remove the derived mailboxes of authorities that an undone edition created, unless something happened to them:
    they were retired, bounced, changed, or answer for some schools only."""
    brought = select(Authority.id).where(Authority.created_by == import_id)
    untouched = (
        *(Contact.source == ContactSource.DERIVED, Contact.changed_at.is_(None)),
        *(Contact.retired_at.is_(None), Contact.bounced_at.is_(None)),
    )
    is_for_all = ~exists().where(ContactSchool.contact_id == Contact.id)
    session.execute(delete(Contact).where(Contact.authority_id.in_(brought), *untouched, is_for_all))
