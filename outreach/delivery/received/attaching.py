"""Says to which authority a mail belongs: by its mark, by the letter that it answers, or by a sender who is proved.

Anything that leads to two authorities leads to none: a mail that nobody can attach waits for a person, one that is
attached to the wrong authority does harm.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from sqlalchemy import select

from outreach.db import Session
from outreach.delivery.models import Mailing, Message, Purpose
from outreach.delivery.received import senders
from outreach.delivery.received.models import AttachedBy
from outreach.delivery.received.reading import Read
from outreach.directory.models import Contact
from outreach.mail.addresses import key_of
from outreach.settings import Mode, Settings


@dataclass(frozen=True, slots=True)
class Trust:
    """What is believed of a sender: what the server of this name says, or anything, where nothing is sent for real."""

    server: str = ""
    anybody: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What an installation believes: anything in a demonstration, whose mails come from nowhere."""
        return cls(settings.proving_server, anybody=settings.mode is Mode.DEMO)

    def believes(self, mail: Read) -> bool:
        """Whether a mail is from the address that it says."""
        return self.anybody or senders.is_proved(mail.results, self.server, mail.sender)


@dataclass(frozen=True, slots=True)
class Attachment:
    """The authority to which a mail belongs, the letter that it answers if one is named, and how that is known."""

    authority: int | None = None
    letter: int | None = None
    by: AttachedBy | None = None


def attachment(session: Session, mail: Read, trust: Trust) -> Attachment:
    """To which authority a mail belongs; to none where nothing proves it."""
    marked = [identity.hex() for identity in mail.marks]
    said = ((marked, AttachedBy.MARK), (mail.answers, AttachedBy.REFERENCE), (mail.follows, AttachedBy.REFERENCE))
    for names, by in said:
        if found := _of_letters(session, names, by):
            return found
    return _of_sender(session, mail, trust)


def _of_letters(session: Session, names: Iterable[str], by: AttachedBy) -> Attachment | None:
    """The one authority to which all these letters went that are ours. A test letter is nobody's."""
    wanted = list(names)
    query = (
        select(Message.public_id, Message.id, Message.authority_id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .where(Message.public_id.in_(wanted), Message.authority_id.is_not(None), Mailing.purpose != Purpose.TEST)
    )
    found = {name: (letter, authority) for name, letter, authority in session.execute(query)} if wanted else {}
    if len({authority for _, authority in found.values()}) != 1:
        return None
    letter, authority = next(found[name] for name in wanted if name in found)
    return Attachment(authority, letter, by)


def _of_sender(session: Session, mail: Read, trust: Trust) -> Attachment:
    """The one authority that has the sender's address in use."""
    if not mail.sender or not trust.believes(mail):
        return Attachment()
    held = select(Contact.authority_id).where(Contact.address_key == key_of(mail.sender), Contact.retired_at.is_(None))
    authorities = set(session.scalars(held))
    return Attachment(authorities.pop(), None, AttachedBy.SENDER) if len(authorities) == 1 else Attachment()
