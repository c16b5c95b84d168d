"""The rows of what may be an archive, as they are written to a sealed file before their words go."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from quopri import decodestring
from typing import Any

from sqlalchemy import select

from outreach.campaigns.letter import composing
from outreach.campaigns.paper.models import PaperLetter
from outreach.campaigns.replies.models import ServiceLetter, ServiceReply
from outreach.db import Session
from outreach.db.in_list import among
from outreach.delivery.models import Composition, Mailing, Message
from outreach.directory.models import Authority
from outreach.responses.models import Respondent, Response, ResponseStep

Rows = Iterator[dict[str, Any]]
Keys = Sequence[Sequence[Any]]


def letters(session: Session, keys: Keys) -> Rows:
    """Letters as they left: to whom, when, their outcome, subject and text, and what rebuilds them to the byte."""
    numbers = [key for (key,) in keys]
    filled = composing.filled_again(session, numbers)
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
            told = {"letter": letter.id, "batch": letter.batch_id, "to": letter.recipient}
            where = [letter.address.street_line, letter.address.place_line]
            yield {**told, "address": where, "content": json.loads(letter.content)}


def mailings(session: Session, keys: Keys) -> Rows:
    """The letters that mailings share, with their layout and headers."""
    for mailing in session.scalars(select(Mailing).where(Mailing.id.in_([key for (key,) in keys]))):
        shared = {"letter": json.loads(mailing.letter), "headers": json.loads(mailing.headers)}
        yield {"mailing": mailing.id, "filled_at": _moment(mailing.filled_at), **shared}


def replies(session: Session, keys: Keys) -> Rows:
    """What the service wrote back to who answered."""
    for reply in session.scalars(select(ServiceReply).where(ServiceReply.id.in_([key for (key,) in keys]))):
        told = {"sent_at": _moment(reply.sent_at), "sent_by": reply.sent_by}
        yield {"reply": reply.id, "response": reply.response_id, **told, "subject": reply.subject, "text": reply.text}


def service_letters(session: Session, keys: Keys) -> Rows:
    """Letters by hand as they were written, whether they left or not."""
    for letter in session.scalars(select(ServiceLetter).where(ServiceLetter.id.in_([key for (key,) in keys]))):
        told = {"written_at": _moment(letter.written_at), "written_by": letter.written_by}
        to = {"authority": letter.authority_id, "address": letter.address}
        yield {"service_letter": letter.id, **to, **told, "text": letter.text}


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
        told = {"step": step.step.value, "at": _moment(step.at), "actor": step.actor, "note": step.note}
        yield {"response": step.response_id, **told}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
