"""Replies to a response: composed, shown, put into the outbox once; and a joining confirmed with one."""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from outreach.adherence import programmes
from outreach.adherence.programmes import strand_name
from outreach.campaigns.correspondence._models import ServiceLetter, ServiceReply, TextUse
from outreach.campaigns.correspondence._reply_templates import SCHOOLS, STRAND, current_template, refuse_unfinished
from outreach.campaigns.letter import (
    Alike,
    LetterSnapshot,
    RecipientFacts,
    SenderIdentity,
    WordsGone,
    WrittenLetter,
    bare_letter,
    compile_snapshot,
    escape_letter_words,
    freeze_letter,
    schools_in_letter,
    subject_read,
)
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import ClosingRule
from outreach.campaigns.waves import campaign_of, send_one
from outreach.core import audit, site
from outreach.core.db import Session, take_lock
from outreach.core.site import NONE, Letterhead
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import letters, outbox
from outreach.delivery.bounces import ANSWER_MARK
from outreach.delivery.models import Mailing, Message, MessageClass, MessageState, Purpose
from outreach.delivery.outbox import Addressee, Due, due_of
from outreach.engagement import replies
from outreach.engagement.replies import Action, EffectChanged, Response, StepKind, declared_still
from outreach.engagement.tracking import TrackingMode

MOST_AN_HOUR = 30
MARKER = "Re: "
MARKED = re.compile(rf"^(?:{ANSWER_MARK} ?)+", re.IGNORECASE)
INLINE_STYLE = re.compile(r' style="[^"]*"')  # our pages' policy forbids them
OPENING = re.compile(r"\((?=[(%#])")  # what would begin a field or a condition


@dataclass(frozen=True, slots=True)
class Writer:
    """The person of staff who writes: the reply names them, and what is written back reaches them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class PreparedReply:
    """A reply that is not queued yet: as written, frozen, and as its recipient will read it, without layout.

    `text_id` is the prepared text that it is, unchanged; `schools` are the keys of the schools that it names.
    """

    written: WrittenLetter
    frozen: LetterSnapshot
    subject: str
    html: str
    text: str
    text_id: int | None = None
    schools: tuple[int, ...] = ()
    head: Letterhead = NONE


def prepare_reply(
    session: Session,
    response: Response,
    text: str,
    writer: Writer,
    sending: SenderIdentity,
    *,
    now: datetime,
    text_id: int | None = None,
    schools: Sequence[int] = (),
) -> PreparedReply:
    """Compose a reply to the mailbox from which a response came. Do it before the transaction that queues it.

    Raises InputError as `refuse_unfinished` does, Refused when the response came from no campaign.
    """
    campaign = campaign_of(session, response.message)
    if campaign is None:
        raise Refused("Cette réponse ne vient d’aucune campagne : écrivez au pouvoir organisateur par un autre moyen.")
    refuse_unfinished(text, sending.schemes)
    written = _written(session, campaign, _subject(session, response, sending, now), text, writer)
    deadline = ClosingRule.of(session, campaign, now=now).deadline(now).day
    # Among a conversation's mails, a logo on each is weight without news.
    head = site.current_letterhead(session).lines_alone
    made = composed(session, written, due_of(session, response.message), sending, deadline, now=now, head=head)
    return replace(made, subject=written.subject, text_id=text_id, schools=tuple(schools))


def composed(
    session: Session,
    written: WrittenLetter,
    due: Due,
    sending: SenderIdentity,
    deadline: date,
    *,
    now: datetime,
    head: Letterhead = NONE,
) -> PreparedReply:
    """A letter as its one recipient will read it. Raises InputError, with the line, when it cannot be read."""
    frozen = freeze_letter(written, sending, deadline, is_reminder=False, head=head)
    letter = compile_snapshot(bare_letter(written, sending))
    may_unsubscribe = written.is_awareness
    finder = RecipientFacts(sending, frozen, letter, written.strand_id, may_unsubscribe, today(now), leads_nowhere=True)
    content = Alike(letter).content(finder.facts(session, [due])[due.id])
    html = INLINE_STYLE.sub("", letter.html_for(content.values, content.flags))
    read = letter.text_for(content.values, content.flags)
    return PreparedReply(written, frozen, letter.subject_for(content.values, content.flags), html, read, head=head)


def send_reply(
    session: Session,
    response: Response,
    prepared: PreparedReply,
    sending: SenderIdentity,
    key: str,
    *,
    now: datetime,
    actor: str,
    seen: int | None = None,
) -> bool:
    """Put a reply into the outbox, to leave at once. Returns False, and changes nothing, when `key` was sent before.

    `seen` is how many replies its writer knew of. It is no awareness mail: who unsubscribed gets it. Raises InputError
    when the address gets no mail at all, Refused when somebody replied since or after too many in an hour.
    """
    take_lock(session, "response", response.id)
    take_lock(session, "replies", actor)  # last in every transaction that takes it
    if session.scalar(select(ServiceReply.id).where(ServiceReply.key == key)) is not None:
        return False
    if seen is not None and seen != len(replies_to(session, response)):
        raise Refused("Un courriel est parti pour cette réponse depuis que vous avez relu le vôtre : relisez les deux.")
    refuse_floods(session, actor, now)
    to = response.message
    if outbox.suppressed_among(session, [to.address_key], MessageClass.STATUTORY):
        raise InputError(
            f"L’adresse {to.address} est sur la liste d’exclusion : rien ne lui est envoyé. Appelez le pouvoir "
            "organisateur, ou levez l’exclusion dans l’annuaire."
        )
    addressee = Addressee(to.authority_id, to.address, to.address_key, to.address_ascii)
    about = ServiceReply(response_id=response.id, key=key, sent_by=actor)
    post(session, prepared, addressee, about, sending, now=now, thread=_thread(session, response))
    session.refresh(response)
    if not response.owner and response.handled_at is None:
        replies.add_step(session, response, StepKind.TAKEN, at=now, actor=actor)
    replies.add_step(session, response, StepKind.REPLIED, at=now, actor=actor, note=f"à {to.address}")
    called = f"« {response.answer.label} » ({strand_name(session, response.strand)})"
    said = f"Réponse {called} : courriel envoyé à {to.address}."
    audit.record_entry(session, now, actor, said, f"response:{response.id}")
    return True


def post(
    session: Session,
    prepared: PreparedReply,
    addressee: Addressee,
    about: ServiceReply,
    sending: SenderIdentity,
    *,
    now: datetime,
    thread: str = "",
) -> None:
    """Put a letter into the outbox, to leave at once, and keep what it said as `about`, which says what it answers and
    who wrote it. `thread` are the Message-IDs that it follows."""
    purpose, name = (Purpose.REPLY, "reponse") if about.letter_id is None else (Purpose.LETTER, "lettre")
    standing = prepared.written, prepared.frozen, sending, addressee, purpose, name
    mailing = send_one(session, *standing, now=now, actor=about.sent_by, references=thread)
    about.message_id = session.scalars(select(Message.id).where(Message.mailing_id == mailing.id)).one()
    about.text_id, about.subject, about.text, about.sent_at = prepared.text_id, prepared.subject, prepared.text, now
    session.add(about)
    session.flush()


def replies_to(session: Session, response: Response) -> Sequence[ServiceReply]:
    """The letters sent about a response, in order, with what became of each."""
    query = select(ServiceReply).where(ServiceReply.response_id == response.id).order_by(ServiceReply.id)
    return session.scalars(query.options(joinedload(ServiceReply.message))).all()


def _written(session: Session, campaign: Campaign, subject: str, text: str, writer: Writer) -> WrittenLetter:
    """The reply as its author wrote it. The campaign's telephone stays only if it is the writer's own campaign."""
    return replace(
        WrittenLetter.of(session, campaign),
        message_class=MessageClass.STATUTORY,
        tracking=TrackingMode.NONE,
        subject=subject,
        preheader="",
        letter=text,
        contact_name=writer.name,
        contact_email=writer.email,
        contact_phone=campaign.contact_phone if campaign.contact_email == writer.email else "",
    )


def _subject(session: Session, response: Response, sending: SenderIdentity, now: datetime) -> str:
    """The subject of the letter answered, marked as a reply: mail programs keep a thread together by it."""
    try:
        answered = subject_read(session, response.message, sending, now=now)
    except WordsGone:
        answered = "Votre réponse"
    return answering_subject(answered)


def answering_subject(subject: str) -> str:
    """The subject of an answer, marked once whatever marks it had; nothing in it is a field."""
    return OPENING.sub("( ", MARKER + MARKED.sub("", subject))


def _thread(session: Session, response: Response) -> str:
    """The Message-IDs of the letters before a new one, the oldest first: the letter answered, and earlier replies."""
    earlier = [reply.message for reply in replies_to(session, response)]
    letters_before = [response.message, *(one for one in earlier if one.state is not MessageState.WITHDRAWN)]
    return " ".join(_message_id(session, message) for message in letters_before)


def _message_id(session: Session, message: Message) -> str:
    sender = json.loads(session.get_one(Mailing, message.mailing_id).headers)["sender"]["address"]
    return letters.message_id(message.public_id, sender.rpartition("@")[2])


def refuse_floods(session: Session, actor: str, now: datetime) -> None:
    """Raises Refused after too many letters of one person in an hour: those by hand count once they are written."""
    since = now - timedelta(hours=1)
    sent = select(func.count()).where(
        ServiceReply.response_id.is_not(None), ServiceReply.sent_by == actor, ServiceReply.sent_at > since
    )
    written = select(func.count()).where(ServiceLetter.written_by == actor, ServiceLetter.written_at > since)
    if (session.scalar(sent) or 0) + (session.scalar(written) or 0) >= MOST_AN_HOUR:
        raise Refused(f"Vous avez écrit {MOST_AN_HOUR} courriels en une heure : attendez avant le suivant.")


MOST_NAMED = 25  # as in the lists of campaigns' letters


def prepare_news(
    session: Session, response: Response, writer: Writer, sending: SenderIdentity, *, now: datetime
) -> PreparedReply | None:
    """The letter that would tell an authority that its joining is confirmed, with the schools that are.

    None when the response is no joining, has nothing left to confirm, or no text is approved. Raises as
    `prepare_reply` does.
    """
    if response.answer.facts.action is not Action.CONFIRM:
        return None
    held = current_template(session, TextUse.JOINED)
    schools = declared_still(session, [response], now=now)[response.id]
    if held.row is None or not held.is_usable or not schools:
        return None
    named = schools_in_letter(schools, MOST_NAMED)
    text = held.text.replace(SCHOOLS, named).replace(STRAND, _said(session, response))
    keys = [school.id for school in schools]
    return prepare_reply(session, response, text, writer, sending, now=now, text_id=held.row.id, schools=keys)


def _said(session: Session, response: Response) -> str:
    """What follows « volet » in the news of a joining: its number, and its programme among several."""
    strand = response.strand
    of = programmes.of_programme(programmes.name_among_several(session, strand.programme))
    return f"{strand.number} {escape_letter_words(of)}".strip()


def confirm_joining(
    session: Session,
    response: Response,
    news: PreparedReply,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    note: str = "",
    seen: str | None = None,
) -> None:
    """Confirm a joining as `inbox.act_on_response` does, and queue the letter that says so, in one transaction.

    Raises EffectChanged when the text or the schools are no longer those that the letter names, and as
    `inbox.act_on_response` and `send_reply` do: then nothing is confirmed either.
    """
    replies.take_turns_of(session, [response])
    held = current_template(session, TextUse.JOINED)
    schools = tuple(school.id for school in declared_still(session, [response], now=now)[response.id])
    if held.row is None or held.row.id != news.text_id or schools != news.schools:
        raise EffectChanged(
            "Le courriel qui annonce la confirmation a changé depuis l’ouverture de la page : relisez-le."
        )
    replies.act_on_response(session, response, now=now, actor=actor, note=note, seen=seen)
    send_reply(session, response, news, sending, secrets.token_hex(16), now=now, actor=actor)
