"""Lists of answers: received, so many an hour, compared with what is known, applied once."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.db import Session, take_turns
from outreach.delivery.models import Message
from outreach.errors import NotFound, Refused
from outreach.responses.answer_lists.models import AnswerList
from outreach.sent_lists.grids import Opened

MOST_AN_HOUR = 5  # of a letter
FLOODED = (
    f"{MOST_AN_HOUR} fichiers ont été envoyés depuis une heure : réessayez dans une heure, ou répondez sur la page."
)


def begin(session: Session, message: Message, *, now: datetime) -> int:
    """Count a file sent from the page of a letter, before it is read; returns its key. Raises Refused after too many.

    Reading it may take seconds, so it counts whether it can be read or not.
    """
    take_turns(session, "answer-lists", message.id)
    query = select(func.count()).where(AnswerList.message_id == message.id)
    if (session.scalar(query.where(AnswerList.received_at > now - timedelta(hours=1))) or 0) >= MOST_AN_HOUR:
        raise Refused(FLOODED)
    received = AnswerList(message_id=message.id, received_at=now)
    session.add(received)
    session.flush()
    return received.id


def keep(session: Session, list_id: int, sent: Opened) -> None:
    """Keep what was read of a file, to be checked."""
    session.get_one(AnswerList, list_id).grid = sent.grid


def of_letter(session: Session, message: Message, list_id: int | None) -> AnswerList:
    """A list that waits to be applied, sent from the page of this letter. Raises NotFound."""
    received = session.get(AnswerList, list_id) if list_id is not None else None
    if received is None or received.message_id != message.id or not received.grid:
        raise NotFound(
            "Cette feuille n’attend plus : elle est enregistrée, ou elle date d’hier. Envoyez-la de nouveau."
        )
    return received


def mark_applied(session: Session, message: Message, list_id: int, *, now: datetime) -> None:
    """Note that a list is applied, and forget what it said. Raises NotFound when it was already."""
    take_turns(session, "answer-lists", message.id)
    received = of_letter(session, message, list_id)
    received.applied_at, received.grid = now, ""
