"""Confirms a declared joining and, where a person ticks it, tells the authority so in the text approved for it."""

import secrets
from datetime import datetime

from outreach.adherence import programmes
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.letter.naming import listed, plain
from outreach.campaigns.replies import replying, texts
from outreach.campaigns.replies.models import TextUse
from outreach.campaigns.replies.replying import PreparedReply, Writer
from outreach.db import Session
from outreach.responses import inbox
from outreach.responses.effects import declared_still
from outreach.responses.inbox import EffectChanged
from outreach.responses.kinds import Action
from outreach.responses.models import Response

MOST_NAMED = 25  # as in the lists of campaigns' letters


def prepare_news(
    session: Session, response: Response, writer: Writer, sending: SenderIdentity, *, now: datetime
) -> PreparedReply | None:
    """The letter that would tell an authority that its joining is confirmed, with the schools that are.

    None when the response is no joining, has nothing left to confirm, or no text is approved. Raises as
    `replying.prepare` does.
    """
    if response.answer.facts.action is not Action.CONFIRM:
        return None
    held = texts.current(session, TextUse.JOINED)
    schools = declared_still(session, [response], now=now)[response.id]
    if held.row is None or not held.is_usable or not schools:
        return None
    named = listed(schools, MOST_NAMED)
    text = held.text.replace(texts.SCHOOLS, named).replace(texts.STRAND, _said(session, response))
    keys = [school.id for school in schools]
    return replying.prepare(session, response, text, writer, sending, now=now, text_id=held.row.id, schools=keys)


def _said(session: Session, response: Response) -> str:
    """What follows « volet » in the news of a joining: its number, and its programme among several."""
    strand = response.strand
    of = programmes.of_programme(programmes.name_among_several(session, strand.programme))
    return f"{strand.number} {plain(of)}".strip()


def confirm(
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
    """Confirm a joining as `inbox.act` does, and queue the letter that says so, in one transaction.

    Raises EffectChanged when the text or the schools are no longer those that the letter names, and as `inbox.act` and
    `replying.send` do: then nothing is confirmed either.
    """
    inbox.take_turns_of(session, [response])
    held = texts.current(session, TextUse.JOINED)
    schools = tuple(school.id for school in declared_still(session, [response], now=now)[response.id])
    if held.row is None or held.row.id != news.text_id or schools != news.schools:
        raise EffectChanged(
            "Le courriel qui annonce la confirmation a changé depuis l’ouverture de la page : relisez-le."
        )
    inbox.act(session, response, now=now, actor=actor, note=note, seen=seen)
    replying.send(session, response, news, sending, secrets.token_hex(16), now=now, actor=actor)
