"""The mail about alerts: a few plain paragraphs without fields, links or tokens, put into the outbox as any letter.

The postman gives each mailing two seconds in turn, so it leaves within ten seconds and holds up no wave. At most one
copy leaves, as of any letter: its fence is the same. Its address stays in its row, as that of a test letter does.
"""

from collections.abc import Sequence
from datetime import datetime

from outreach.campaigns.letter.facts import Shared
from outreach.campaigns.letter.frozen import SENDER, Frozen, SenderIdentity, layouts
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import MessageClass, Purpose
from outreach.french import typeset
from outreach.mail.letters import Draft
from outreach.mail.linter import ALERTS
from outreach.mail.marks import Marks
from outreach.mail.mime import Mailbox, SharedHeaders
from outreach.measuring.models import TrackingMode
from outreach.staff_mail import letters as staff_mail

NAME, SERVICE = "Sensibilisation", "service"


def post(
    session: Session,
    addresses: Sequence[str],
    subject: str,
    paragraphs: Sequence[str],
    sending: SenderIdentity,
    *,
    now: datetime,
) -> None:
    """Put one letter for each of these addresses (ASCII) into the outbox, to leave at once, unless there are none.

    Letters to one address are one. An address whose mail is stopped altogether gets none, as the fence sees to.
    """
    if not addresses:
        return
    each = {address.casefold(): address for address in addresses}
    addressees = [Addressee(None, address, key, address) for key, address in each.items()]
    letter, sender = written(subject, paragraphs, now=now), lambda _name: _sender(sending)
    staff_mail.put(session, letter, _headers(sending), addressees, sender, now=now, actor=SERVICE)


def written(subject: str, paragraphs: Sequence[str], *, now: datetime) -> Frozen:
    """The letter as a mailing stores it. The paragraphs are plain text in French."""
    around = {"name": NAME, "subject": subject, "paragraphs": paragraphs}
    html, text = (typeset(layouts.get_template(f"alert.{kind}").render(**around)) for kind in ("html", "txt"))
    shared = Shared(circular="", deadline=today(now), contact="", is_reminder=False)
    return Frozen(Draft.of(Marks(), typeset(subject), html, text), shared, TrackingMode.NONE)


def _headers(sending: SenderIdentity) -> SharedHeaders:
    sender = Mailbox(_sender(sending), NAME)
    feedback_id = f"{ALERTS}:{Purpose.STAFF}:{MessageClass.STATUTORY}:outreach"
    return SharedHeaders(sender, sender, f"<{ALERTS}.{sending.domain}>", feedback_id, unsubscribe="", zone=BRUSSELS.key)


def _sender(sending: SenderIdentity) -> str:
    """The address that it comes from, also as its envelope says: no token identifies it."""
    return f"{SENDER}@{sending.domain}"
