"""A mail to the service's own people: written from sentences, and put into the outbox as any letter.

News, alerts and links to choose a password are written so; what differs between them is in `StaffLetter`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns.letter import SENDER, LetterSnapshot, SenderIdentity, Shared, layouts, shared_headers_json
from outreach.core.db import Session
from outreach.core.text.addresses import judge, key_of
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.french import typeset
from outreach.core.text.links import MARKS
from outreach.core.text.typed import cleaned
from outreach.delivery import outbox
from outreach.delivery.letters import LetterText, Mailbox, Marks, SharedHeaders, one_line
from outreach.delivery.models import DoubtPolicy, Gate, Mailing, MessageClass, Purpose
from outreach.delivery.outbox import Addressee
from outreach.engagement.tracking import TrackingMode

NAME = "Sensibilisation"
LIST = "equipe"
OPEN = "Ouvrir la page"


@dataclass(frozen=True, slots=True)
class Said:
    """A paragraph: a sentence, and the path of a page of the service to open from it, or ''.

    A path that must work, as its token is the letter's purpose, is `trusted`. `label` names the link in HTML.
    """

    sentence: str
    path: str = ""
    label: str = OPEN
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class StaffLetter:
    """A mail to each of these addresses: the subject, and the paragraphs in order.

    `name` is whom it greets, or ''. `contact` is the address of somebody who can answer a question about it; without
    one, the mail says that it is automatic, and its envelope's sender is the service, without a token. `list_name`
    begins its List-Id. `may_be_fewer` says where the person chooses how many such mails come.
    """

    to: Sequence[str]
    subject: str
    said: Sequence[Said]
    name: str = ""
    contact: str = ""
    list_name: str = LIST
    may_be_fewer: bool = False


def write_mail(letter: StaffLetter, sending: SenderIdentity, *, now: datetime) -> LetterSnapshot:
    """The mail laid out. No sentence carries a letter's live token, whatever was pasted into it."""
    subject = typeset(plain(one_line(letter.subject), sending))
    around = {
        "service": NAME,
        "subject": subject,
        "name": plain(one_line(letter.name), sending),
        "said": [(plain(one_line(one.sentence), sending), _address(one, sending), one.label) for one in letter.said],
        "contact": letter.contact,
        "account": f"{sending.address}/account" if letter.may_be_fewer else "",
    }
    html, text = (typeset(layouts.get_template(f"staff.{kind}").render(around)) for kind in ("html", "txt"))
    shared = Shared(circular="", deadline=today(now), contact=letter.contact, is_reminder=False)
    return LetterSnapshot(LetterText.of(Marks(), subject, html, text), shared, TrackingMode.NONE)


def _address(said: Said, sending: SenderIdentity) -> str:
    address = f"{sending.address}{said.path}" if said.path else ""
    return address if said.is_trusted else plain(address, sending)


def post_mail(
    session: Session, letter: StaffLetter, frozen: LetterSnapshot, sending: SenderIdentity, *, now: datetime, actor: str
) -> int:
    """Put a mail into the outbox, to leave at once; returns the number of its mailing.

    The guard, the suppression list and the relay treat it as any letter, and at most one copy leaves: its gate is the
    same. Letters to one address are one. Nothing counts it.
    """
    mailing = Mailing(
        purpose=Purpose.STAFF,
        gate=Gate.CLOSED,
        message_class=MessageClass.STATUTORY,
        doubt_policy=DoubtPolicy.HOLD,
        letter=frozen.to_json(),
        headers=shared_headers_json(_headers(letter, sending)),
        created_at=now,
    )
    session.add(mailing)
    session.flush()
    sender = sending.return_path if letter.contact else lambda _token: _service(sending)
    addressees = {one.address_key: one for one in map(_addressee if letter.contact else _set_by_operator, letter.to)}
    outbox.put_recipients(session, mailing, list(addressees.values()), sender, now=now)
    mailing.filled_at = now
    outbox.set_gate(session, mailing, Gate.OPEN, now=now, actor=actor)
    return mailing.id


def _addressee(address: str) -> Addressee:
    to = judge(address)
    return Addressee(None, to.address, to.key, to.ascii)


def _set_by_operator(address: str) -> Addressee:
    # An alert also goes to a domain that no stranger's address may have, such as one of the house (`.local`).
    return Addressee(None, address, key_of(address), address)


def _headers(letter: StaffLetter, sending: SenderIdentity) -> SharedHeaders:
    return SharedHeaders(
        sender=Mailbox(_service(sending), NAME),
        reply_to=Mailbox(letter.contact) if letter.contact else Mailbox(_service(sending), NAME),
        list_id=f"<{letter.list_name}.{sending.domain}>",
        feedback_id=f"{letter.list_name}:{Purpose.STAFF}:{MessageClass.STATUTORY}:outreach",
        unsubscribe="",
        zone=BRUSSELS.key,
    )


def _service(sending: SenderIdentity) -> str:
    return f"{SENDER}@{sending.domain}"


def plain(text: str, sending: SenderIdentity) -> str:
    """A text without tokens that open a page, and without the characters that a compiled letter takes for fields."""
    return MARKS.sub("", sending.keys.without(cleaned(text)))
