"""What is emptied rather than deleted, where figures or proofs stand on the row."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Update, case, delete, exists, or_, select, update

from outreach.audit import AuditEntry, seals
from outreach.audit.seals import SealedEntry
from outreach.campaigns.letter.frozen import Frozen
from outreach.campaigns.models import CLOCK
from outreach.campaigns.paper.models import PaperBatch, PaperLetter
from outreach.campaigns.replies.models import ServiceLetter, ServiceReply
from outreach.db import Session
from outreach.delivery.models import Composition, Mailing, Message, MessageState
from outreach.delivery.received.models import ReceivedFile, ReceivedMail
from outreach.directory.models import Contact
from outreach.measuring.models import TrackingBasis
from outreach.responses.models import Respondent, Response, ResponseStep

WORDS = (Contact.name, Contact.function, Contact.phone, Contact.usage, Contact.source_note)
ADDRESSES = (Contact.address, Contact.address_key, Contact.address_ascii)
# What was measured of a mailbox is shown as long as its letters are, so its agreement has to name it.
IS_PROVEN = exists().where(TrackingBasis.contact_id == Contact.id).correlate(Contact)


def has_words() -> ColumnElement[bool]:
    """The condition that a contact still says something of a person, or of an address that no agreement needs."""
    return or_(*(column != "" for column in WORDS), (Contact.address != "") & ~IS_PROVEN)


def empty_contacts(session: Session, these: ColumnElement[bool]) -> None:
    """Empty who read these addresses, and the addresses themselves except where an agreement names them."""
    emptied = {column.key: "" for column in WORDS}
    kept = {column.key: case((IS_PROVEN, column), else_="") for column in ADDRESSES}
    _change(session, update(Contact).where(these).values({**emptied, **kept}))


def is_settled() -> ColumnElement[bool]:
    """The condition that a mailing's letters have their words, and that none is on the way."""
    under_way = Message.state.in_((MessageState.QUEUED, MessageState.HANDING))
    waits = exists().where(Message.mailing_id == Mailing.id, under_way).correlate(Mailing)
    return Mailing.emptied_at.is_(None) & ~waits


def says_nothing_else() -> ColumnElement[bool]:
    """The condition that a mailing is settled, and that all its letters are emptied: what they share goes last."""
    said = select(Message.id).join(Composition, Composition.message_id == Message.id)
    said = said.where(Message.mailing_id == Mailing.id, Composition.content != "").correlate(Mailing)
    return is_settled() & ~said.exists()


def letters_of(over: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a content is that of a letter of such a mailing."""
    mailings = select(Mailing.id).where(over, is_settled())
    return Composition.message_id.in_(select(Message.id).where(Message.mailing_id.in_(mailings)))


def empty_letters(session: Session, these: ColumnElement[bool]) -> None:
    """Empty what letters said to each recipient. The row proves that the letter had a content when it left."""
    _change(session, update(Composition).where(these).values(content=""))


def paper_of(over: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a letter on paper is of such a mailing."""
    batches = select(PaperBatch.id).join(Mailing, Mailing.id == PaperBatch.mailing_id).where(over)
    return PaperLetter.batch_id.in_(batches)


def empty_paper(session: Session, these: ColumnElement[bool]) -> None:
    """Empty what letters on paper said. That each was made, for whom and where, stays."""
    _change(session, update(PaperLetter).where(these).values(content=""))


def empty_mailings(session: Session, these: ColumnElement[bool], now: datetime) -> None:
    """Empty the words that letters share; how they were measured stays."""
    for mailing in session.scalars(select(Mailing).where(these)):
        frozen = Frozen.from_json(mailing.letter)
        wordless = replace(frozen.draft, subject="", html="", text="", preheader="")
        mailing.letter, mailing.emptied_at = replace(frozen, draft=wordless).to_json(), now
    session.flush()


def empty_replies(session: Session, these: ColumnElement[bool]) -> None:
    """Empty what the service wrote back."""
    _change(session, update(ServiceReply).where(these).values(subject="", text=""))


def empty_service_letters(session: Session, these: ColumnElement[bool]) -> None:
    """Empty what letters by hand said as they were written."""
    _change(session, update(ServiceLetter).where(these).values(text=""))


def is_told() -> ColumnElement[bool]:
    """The condition that a response has words, or the name of who gave it."""
    return _has_words() | exists().where(Respondent.response_id == Response.id).correlate(Response)


def _has_words() -> ColumnElement[bool]:
    return (Response.comment != "") | (Response.proposed_address != "")


def empty_responses(session: Session, these: ColumnElement[bool]) -> None:
    """Empty the words of responses and who gave them; what was answered for which schools stays."""
    theirs = delete(Respondent).where(Respondent.response_id.in_(select(Response.id).where(these)))
    session.execute(theirs.execution_options(synchronize_session=False))
    _change(session, update(Response).where(these, _has_words()).values(comment="", proposed_address=""))


def empty_mails(session: Session, these: ColumnElement[bool]) -> None:
    """Empty the words of mails received, who wrote them, and what they brought; that one came stays."""
    theirs = delete(ReceivedFile).where(ReceivedFile.mail_id.in_(select(ReceivedMail.id).where(these)))
    session.execute(theirs.execution_options(synchronize_session=False))
    _change(session, update(ReceivedMail).where(these).values(sender_name="", subject="", text="", folded=""))


def steps_of(over: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a step is about such a response."""
    return ResponseStep.response_id.in_(select(Response.id).where(over))


def empty_steps(session: Session, these: ColumnElement[bool]) -> None:
    """Empty who did something about responses, and their words; that it was done stays."""
    _change(session, update(ResponseStep).where(these).values(actor="", note=""))


def has_sealed_words() -> ColumnElement[bool]:
    """The condition that an entry of the audit has words that may go: its seal stands, and it names no emptied one."""
    is_sealed = exists().where(SealedEntry.entry_id == AuditEntry.id).correlate(AuditEntry)
    return (AuditEntry.sentence != "") & (AuditEntry.subject != seals.ERASURE) & is_sealed


def empty_entries(session: Session, these: ColumnElement[bool], now: datetime) -> None:
    """Empty what entries of the audit say; who acted, when and on what stays, and the chain holds."""
    keys = session.scalars(select(AuditEntry.id).where(these)).all()
    seals.erase_words(session, keys, "Durée de conservation atteinte.", now=now, actor=CLOCK)


def _change(session: Session, statement: Update) -> None:
    session.execute(statement.execution_options(synchronize_session=False))
