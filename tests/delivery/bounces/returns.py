"""Letters that were sent, and real notices with the names of one of them filled in."""

from pathlib import Path

from sqlalchemy import select, update

from outreach.delivery import outbox
from outreach.delivery.bounces import Handling, KeptNotice, NoticeVerdict
from outreach.delivery.bounces._models import KeptReport
from outreach.delivery.letters import Keys, TokenKind
from outreach.delivery.models import Message, MessageState, SuppressionReason
from outreach.directory.models import Authority, Contact, ContactSource
from tests import factories
from tests.conftest import NOW
from tests.delivery.conftest import addresses, mail_to, schools, states

FOLDER = Path(__file__).parent / "notices"
KEYS = Keys((b"k" * 32,))
FORGED = Keys((b"x" * 32,))
FIRST, SECOND, THIRD = addresses(3)


def notice(name, *, identity, address, keys=KEYS, **changes):
    """The bytes of a notice about the letter with this identity (16 digits) to this address."""
    letter = bytes.fromhex(identity)
    filled = {
        "RETURN": f"b-{keys.make(TokenKind.BOUNCE, letter)}@courriel.example",
        "MAILTO": keys.make(TokenKind.MAILTO, letter),
        "ADDRESS": address,
        "ID": identity,
        **changes,
    }
    text = (FOLDER / f"{name}.eml").read_text(encoding="utf-8")
    for word, value in filled.items():
        text = text.replace(f"{{{word}}}", value)
    return text.replace("\n", "\r\n").encode()


def report(*groups, token="", subject="Undelivered", ident="<r@relais.example>"):
    """A report of delivery made of groups of fields, each a text; `token` is the address it comes to."""
    blocks = "\n\n".join(["Reporting-MTA: dns; relais.example", *groups])
    return (
        f"Delivered-To: {token}\nFrom: MAILER-DAEMON@relais.example\nSubject: {subject}\nMessage-ID: {ident}\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Type: text/plain\n\nReturned.\n\n"
        f"--B\nContent-Type: message/delivery-status\n\n{blocks}\n\n--B--\n"
    ).encode("utf-8", "surrogatepass")


def three_sent(database):
    """Three letters that were accepted, each to the mailbox of an authority; returns their mailing."""
    schools(database, 3)
    return sent(database, [FIRST, SECOND, THIRD])


def sent(database, to, state=MessageState.ACCEPTED, **details):
    mailing = mail_to(database, to, **details)
    with database.writing() as session:
        for number, address in enumerate(to, 1):
            if session.scalar(select(Contact.id).where(Contact.address_key == address)) is None:
                session.add(contact(session.get_one(Authority, number), address))
        left = {"state": state, "fence_id": "f", "worker_id": "w", "fenced_at": NOW, "settled_at": NOW}
        answer = {"reply_code": 250, "reply_text": "2.0.0 Ok"}
        session.execute(update(Message).where(Message.mailing_id == mailing).values(**left, **answer))
    return mailing


def contact(authority, address):
    return Contact(authority=authority, **factories.contact(address, source=ContactSource.DERIVED, added_at=NOW))


def told(database, mailing, name, address=FIRST, **changes):
    identity = states(database, mailing)[address].public_id
    return notice(name, identity=identity, address=address, **changes)


def exclude_for_another(database, key, named="jeanne@commune.example", at=NOW):
    """Exclude an address as notices of before did: for the refusal of an address that it forwards to."""
    letter = states(database, sent(database, [key]))[key].id
    with database.writing() as session:
        outbox.suppress_address(session, key, SuppressionReason.HARD_BOUNCE, now=at, actor="courriels revenus")
        failed = KeptReport(number=1, recipient=named, verdict=NoticeVerdict.FAILED, status="5.1.1")
        known = {"digest": f"{letter} {named}", "read_at": at, "message_id": letter, "handling": Handling.EXCLUDED}
        session.add(KeptNotice(**known, verdict=NoticeVerdict.FAILED, reports=[failed]))
