"""A mail to one person of the service: written from sentences, and put into the outbox as any letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.campaigns.letter.facts import Shared
from outreach.campaigns.letter.frozen import SENDER, Frozen, SenderIdentity, layouts, shared_headers_json
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.delivery.ledger import outbox, recipients
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import DoubtPolicy, Gate, Mailing, MessageClass, Purpose
from outreach.french import typeset
from outreach.mail.addresses import judge
from outreach.mail.letters import Draft, one_line
from outreach.mail.marks import MARKS, Marks
from outreach.mail.mime import Mailbox, SharedHeaders
from outreach.measuring.models import TrackingMode
from outreach.text import cleaned

NAME = "Sensibilisation"
LIST = "equipe"


@dataclass(frozen=True, slots=True)
class StaffLetter:
    """A mail to one person: the address and name, the subject, and (sentence, path of a page of the service) in order.

    `contact` is the address of somebody who can answer a question about it.
    """

    address: str
    name: str
    subject: str
    items: Sequence[tuple[str, str]]
    contact: str


def write(letter: StaffLetter, sending: SenderIdentity, *, now: datetime) -> Frozen:
    """The mail laid out. No sentence carries a letter's live token, whatever was pasted into it."""
    subject = typeset(plain(one_line(letter.subject), sending))
    around = {
        "subject": subject,
        "name": plain(one_line(letter.name), sending),
        "items": [(plain(one_line(said), sending), f"{sending.address}{path}") for said, path in letter.items],
        "contact": letter.contact,
        "account": f"{sending.address}/account",
    }
    html, text = (typeset(layouts.get_template(f"staff.{kind}").render(around)) for kind in ("html", "txt"))
    shared = Shared(circular="", deadline=today(now), contact=letter.contact, is_reminder=False)
    return Frozen(Draft.of(Marks(), subject, html, text), shared, TrackingMode.NONE)


def post(
    session: Session, letter: StaffLetter, frozen: Frozen, sending: SenderIdentity, *, now: datetime, actor: str
) -> int:
    """Put a mail into the outbox, to leave at once; returns the number of its mailing.

    The guard, the suppression list and the relay treat it as any letter. Nothing counts it.
    """
    to = judge(letter.address)
    addressees = [Addressee(None, to.address, to.key, to.ascii)]
    return put(session, frozen, headers(letter.contact, sending), addressees, sending.return_path, now=now, actor=actor)


def put(
    session: Session,
    frozen: Frozen,
    headers: SharedHeaders,
    addressees: Sequence[Addressee],
    return_path: Callable[[str], str],
    *,
    now: datetime,
    actor: str,
) -> int:
    """Put a mail of the service to its own people into the outbox; returns the number of its mailing."""
    mailing = Mailing(
        purpose=Purpose.STAFF,
        gate=Gate.CLOSED,
        message_class=MessageClass.STATUTORY,
        doubt_policy=DoubtPolicy.HOLD,
        letter=frozen.to_json(),
        headers=shared_headers_json(headers),
        created_at=now,
    )
    session.add(mailing)
    session.flush()
    recipients.put(session, mailing, addressees, return_path, now=now)
    mailing.filled_at = now
    outbox.set_gate(session, mailing, Gate.OPEN, now=now, actor=actor)
    return mailing.id


def headers(contact: str, sending: SenderIdentity, list_name: str = LIST) -> SharedHeaders:
    """The headers of a mail to the service's own people; `contact` is the address that replies go to."""
    return SharedHeaders(
        sender=Mailbox(f"{SENDER}@{sending.domain}", NAME),
        reply_to=Mailbox(contact),
        list_id=f"<{list_name}.{sending.domain}>",
        feedback_id=f"{list_name}:{Purpose.STAFF}:{MessageClass.STATUTORY}:outreach",
        unsubscribe="",
        zone=BRUSSELS.key,
    )


def plain(text: str, sending: SenderIdentity) -> str:
    """A text without tokens that open a page, and without the characters that a compiled letter takes for fields."""
    return MARKS.sub("", sending.keys.without(cleaned(text)))
