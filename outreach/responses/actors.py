"""Who acted where a letter was answered: a mailbox, which records name by its number, as they outlive its address."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from outreach.audit import mailbox
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Contact

if TYPE_CHECKING:
    from outreach.accounts.staff import Colleagues

RECIPIENT = "destinataire"  # of a letter to no mailbox of an authority


def actor_of(session: Session, message: Message) -> str:
    """The actor of what is done from a letter: the mailbox that it went to."""
    theirs = (Contact.authority_id == message.authority_id, Contact.address_key == message.address_key)
    query = select(Contact.id).where(*theirs).order_by(Contact.retired_at.is_not(None), Contact.id.desc()).limit(1)
    number = session.scalar(query)
    return RECIPIENT if number is None else mailbox(number)


def addresses(session: Session, authority: Authority) -> dict[str, str]:
    """The addresses of an authority's mailboxes, by how records name them."""
    held = select(Contact.id, Contact.address).where(Contact.authority_id == authority.id, Contact.address != "")
    return {mailbox(number): address for number, address in session.execute(held)}


def names(session: Session, authority: Authority) -> "Colleagues":
    """The name of everybody who has or had an account, and the addresses of an authority's mailboxes."""
    from outreach.accounts import staff  # noqa: PLC0415 - only pages ask: a process that sends would hold Argon2

    known = staff.colleagues(session)
    known.update(addresses(session, authority))
    return known
