"""What each rule of `retention.toml` deletes, empties or writes to a file: the rows, by the rule's name."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from quopri import decodestring
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, case, delete, exists, or_, select, true, update

from outreach.access.accounts import AccessLogEntry, AccountLink, PasswordRequest, SignInAttempt, StaffSession
from outreach.access.form_drafts import Draft
from outreach.adherence.models import JoiningList
from outreach.campaigns.correspondence import ServiceLetter, ServiceReply
from outreach.campaigns.letter import LetterSnapshot, filled_again
from outreach.campaigns.models import CLOCK, PaperBatch, PaperLetter, WrongCode
from outreach.core import audit
from outreach.core.audit import AuditEntry, SealedEntry
from outreach.core.db import Base, Session
from outreach.core.db.bulk import among
from outreach.core.jobs import Job
from outreach.core.tables import ColumnMatching, ListState
from outreach.delivery.deliverability import DomainCheck
from outreach.delivery.models import Composition, Mailing, Message, MessageState, Worker
from outreach.delivery.received import ReceivedFile, ReceivedMail
from outreach.directory.confirmations import Confirmation
from outreach.directory.models import Authority, Contact, RegisterImport
from outreach.engagement import mailboxes, tracking
from outreach.engagement.mailboxes import ContactList
from outreach.engagement.replies import AnswerList, FormState, QuickForm, Respondent, Response, ResponseStep, SentForm
from outreach.engagement.tracking import Hit, TrackingBasis
from outreach.integrations.idempotency import IdempotentRequest
from outreach.operations.alerts import Incident
from outreach.operations.backups import Rehearsal
from outreach.reports.notes import NoteDraft
from outreach.staff.notifications import StaffNotice
from outreach.staff.proposals import Proposal

WORDS = (Contact.name, Contact.function, Contact.phone, Contact.usage, Contact.source_note)
ADDRESSES = (Contact.address, Contact.address_key, Contact.address_ascii)
# What was measured of a mailbox is shown as long as its letters are, so its agreement has to name it.
IS_PROVEN = exists().where(TrackingBasis.contact_id == Contact.id).correlate(Contact)


def has_words() -> ColumnElement[bool]:
    """The condition that a contact still says something of a person, or of an address that no agreement needs."""
    return or_(*(column != "" for column in WORDS), (Contact.address != "") & ~IS_PROVEN)


def empty_contacts(session: Session, these: ColumnElement[bool]) -> None:
    """Empty who read these addresses, what confirmed them in words, and the addresses themselves except where an
    agreement names them."""
    emptied = {column.key: "" for column in WORDS}
    kept = {column.key: case((IS_PROVEN, column), else_="") for column in ADDRESSES}
    empty_notes(session, session.scalars(select(Contact.id).where(these)).all())
    _change(session, update(Contact).where(these).values({**emptied, **kept}))


def empty_notes(session: Session, contacts: Sequence[int]) -> None:
    """Empty the words with which these addresses were confirmed; when and how they were stays."""
    told = among(Confirmation.contact_id, contacts), Confirmation.note != ""
    _change(session, update(Confirmation).where(*told).values(note=""))


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
        frozen = LetterSnapshot.from_json(mailing.letter)
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


def empty_reports(session: Session, letters: Select[int]) -> None:
    """Empty the words beside the schools that these letters' pages reported; that they did stays."""
    _change(session, update(Proposal).where(Proposal.message_id.in_(letters)).values(said=""))


def empty_mails(session: Session, these: ColumnElement[bool]) -> None:
    """Empty the words of mails received, who wrote them, and what they brought; that one came stays."""
    theirs = delete(ReceivedFile).where(ReceivedFile.mail_id.in_(select(ReceivedMail.id).where(these)))
    session.execute(theirs.execution_options(synchronize_session=False))
    _change(session, update(ReceivedMail).where(these).values(ident="", sender_name="", subject="", text="", folded=""))


def steps_of(over: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that a step is about such a response."""
    return ResponseStep.response_id.in_(select(Response.id).where(over))


def empty_steps(session: Session, these: ColumnElement[bool]) -> None:
    """Empty who did something about responses, and their words; that it was done stays."""
    _change(session, update(ResponseStep).where(these).values(actor="", note=""))


def has_sealed_words() -> ColumnElement[bool]:
    """The condition that an entry of the audit has words that may go: its seal stands, and it names no emptied one."""
    is_sealed = exists().where(SealedEntry.entry_id == AuditEntry.id).correlate(AuditEntry)
    return (AuditEntry.sentence != "") & (AuditEntry.subject != audit.ERASURE) & is_sealed


def empty_entries(session: Session, these: ColumnElement[bool], now: datetime) -> None:
    """Empty what entries of the audit say; who acted, when and on what stays, and the chain holds."""
    keys = session.scalars(select(AuditEntry.id).where(these)).all()
    audit.erase_words(session, keys, "Durée de conservation atteinte.", now=now, actor=CLOCK)


def _change(session: Session, statement: Update) -> None:
    session.execute(statement.execution_options(synchronize_session=False))


Rows = Iterator[dict[str, Any]]
Keys = Sequence[Sequence[Any]]


def letters(session: Session, keys: Keys) -> Rows:
    """Letters as they left: to whom, when, their outcome, subject and text, and what rebuilds them to the byte."""
    numbers = [key for (key,) in keys]
    filled = filled_again(session, numbers)
    query = select(Message, Authority.fase, Composition.content)
    query = query.join(Composition, Composition.message_id == Message.id).outerjoin(
        Authority, Authority.id == Message.authority_id
    )
    for letter, fase, content in session.execute(query.where(among(Message.id, numbers)).order_by(Message.id)):
        again = filled.get(letter.id)
        if again is None:  # another machine has just emptied it, after its own file
            continue
        yield {
            "letter": letter.public_id,
            "mailing": letter.mailing_id,
            "authority": fase,
            "address": letter.address,
            "left_at": _moment(letter.fenced_at),
            "state": letter.state.value,
            "reply": f"{letter.reply_code or ''} {letter.reply_text}".strip(),
            "subject": again.subject,
            "text": decodestring(again.text).decode(),
            "content": json.loads(content),
        }


def paper(session: Session, keys: Keys) -> Rows:
    """Letters on paper as they were made, without their codes: to whom, where, in which batch, and what they said."""
    for letter in session.scalars(select(PaperLetter).where(among(PaperLetter.id, [key for (key,) in keys]))):
        if letter.content:
            fields = {"letter": letter.id, "batch": letter.batch_id, "to": letter.recipient}
            where = [letter.address.street_line, letter.address.place_line]
            yield {**fields, "address": where, "content": json.loads(letter.content)}


def mailings(session: Session, keys: Keys) -> Rows:
    """The letters that mailings share, with their layout and headers."""
    for mailing in session.scalars(select(Mailing).where(Mailing.id.in_([key for (key,) in keys]))):
        shared = {"letter": json.loads(mailing.letter), "headers": json.loads(mailing.headers)}
        yield {"mailing": mailing.id, "filled_at": _moment(mailing.filled_at), **shared}


def replies(session: Session, keys: Keys) -> Rows:
    """What the service wrote back to who answered."""
    for reply in session.scalars(select(ServiceReply).where(ServiceReply.id.in_([key for (key,) in keys]))):
        fields = {"sent_at": _moment(reply.sent_at), "sent_by": reply.sent_by}
        yield {"reply": reply.id, "response": reply.response_id, **fields, "subject": reply.subject, "text": reply.text}


def service_letters(session: Session, keys: Keys) -> Rows:
    """Letters by hand as they were written, whether they left or not."""
    for letter in session.scalars(select(ServiceLetter).where(ServiceLetter.id.in_([key for (key,) in keys]))):
        fields = {"written_at": _moment(letter.written_at), "written_by": letter.written_by}
        to = {"authority": letter.authority_id, "address": letter.address}
        yield {"service_letter": letter.id, **to, **fields, "text": letter.text}


def responses(session: Session, keys: Keys) -> Rows:
    """Answers with their words, and who gave them."""
    query = select(Response, Respondent).outerjoin(Respondent, Respondent.response_id == Response.id)
    for given, person in session.execute(query.where(among(Response.id, [key for (key,) in keys]))):
        yield {
            "response": given.id,
            "authority": given.authority.fase,
            "schools": [school.fase for school in given.schools],
            "strand": given.strand_id,
            "answer": given.answer.value,
            "given_at": _moment(given.given_at),
            "comment": given.comment,
            "proposed_address": given.proposed_address,
            "name": person.name if person else "",
            "function": person.function if person else "",
        }


def steps(session: Session, keys: Keys) -> Rows:
    """What was done about answers, and by whom."""
    for step in session.scalars(select(ResponseStep).where(among(ResponseStep.id, [key for (key,) in keys]))):
        fields = {"step": step.step.value, "at": _moment(step.at), "actor": step.actor, "note": step.note}
        yield {"response": step.response_id, **fields}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


ALL = true()
FILES = 10  # rows that hold a file of megabytes each
Replace = Callable[[Session, ColumnElement[bool], datetime], object]


@dataclass(frozen=True, slots=True)
class Binding:
    """What the program adds to a rule of the file.

    Rows are deleted unless `replace` says otherwise; it gets the condition that picks them, and the time. `only` names
    which rows the rule is about. With `ahead`, rows as far in the future are over as well: they were written before the
    clock was put back. One transaction takes at most `most` rows. Where the moment stands on another model, `dated` is
    that model, and `through` makes of a condition on it one on the rows. What has an `export` may be an archive.
    """

    model: type[Base]
    only: ColumnElement[bool] = ALL
    replace: Replace | None = None
    ahead: bool = False
    most: int = 500
    dated: type[Base] | None = None
    through: Callable[[ColumnElement[bool]], ColumnElement[bool]] | None = None
    export: Callable[[Session, Keys], Rows] | None = None


def _untimed(function: Callable[[Session, ColumnElement[bool]], object]) -> Replace:
    """A function that needs no time."""
    return lambda session, these, _now: function(session, these)


BINDINGS: Mapping[str, Binding] = {
    "hits": Binding(Hit, replace=_untimed(tracking.fold_events)),
    "contact_lists": Binding(ContactList, ContactList.state == ListState.RECEIVED, most=FILES),
    "contact_lists_applied": Binding(
        ContactList, ContactList.grid != "", replace=_untimed(mailboxes.erase_lists), most=FILES
    ),
    "joining_lists": Binding(JoiningList, JoiningList.state == ListState.RECEIVED, most=FILES),
    "register_imports": Binding(RegisterImport, RegisterImport.state == ListState.RECEIVED, most=FILES),
    "answer_lists": Binding(AnswerList, most=FILES),
    "api_writes": Binding(IdempotentRequest),
    "domain_checks": Binding(DomainCheck),
    "trail_entries": Binding(AccessLogEntry),
    "column_matchings": Binding(ColumnMatching),
    "note_drafts": Binding(NoteDraft),
    "drafts": Binding(Draft),
    "staff_notices": Binding(StaffNotice),
    "account_links": Binding(AccountLink),
    "rehearsals": Binding(Rehearsal),
    "jobs": Binding(Job, most=FILES),
    "letters": Binding(
        Composition,
        Composition.content != "",
        replace=_untimed(empty_letters),
        dated=Mailing,
        through=letters_of,
        export=letters,
    ),
    "paper_words": Binding(
        PaperLetter,
        PaperLetter.content != "",
        replace=_untimed(empty_paper),
        dated=Mailing,
        through=paper_of,
        export=paper,
    ),
    "mailings": Binding(
        *(Mailing, says_nothing_else()),
        replace=empty_mailings,
        most=FILES,
        export=mailings,
    ),
    "service_replies": Binding(
        *(ServiceReply, ServiceReply.text != ""),
        replace=_untimed(empty_replies),
        export=replies,
    ),
    "service_letters": Binding(
        *(ServiceLetter, ServiceLetter.text != ""),
        replace=_untimed(empty_service_letters),
        export=service_letters,
    ),
    "responses": Binding(*(Response, is_told()), replace=_untimed(empty_responses), export=responses),
    "response_steps": Binding(
        *(ResponseStep, (ResponseStep.actor != "") | (ResponseStep.note != "")),
        replace=_untimed(empty_steps),
        dated=Response,
        through=steps_of,
        export=steps,
    ),
    "sent_forms": Binding(SentForm, SentForm.state != FormState.RECORDED),
    "quick_forms": Binding(QuickForm, ahead=True),
    "received_mails": Binding(ReceivedMail),
    "audit_entries": Binding(AuditEntry, has_sealed_words(), replace=empty_entries),
    "alert_episodes": Binding(Incident),
    "workers": Binding(Worker),
    "contacts": Binding(Contact, has_words(), replace=_untimed(empty_contacts)),
    "sessions": Binding(StaffSession),
    "password_requests": Binding(PasswordRequest, ahead=True),
    "sign_in_attempts": Binding(SignInAttempt, ahead=True),
    "wrong_codes": Binding(WrongCode, ahead=True),
}
