"""From a code that somebody typed to the letter that it answers; and which letter on paper an answer came by."""

from collections.abc import Sequence

from sqlalchemy import select

from outreach.campaigns.paper.models import PaperLetter
from outreach.db import Session
from outreach.delivery.models import Message
from outreach.mail import codes
from outreach.mail.tokens import LIVE_KEYS, Keys
from outreach.reach.models import ReachAnswer, ReachStep
from outreach.responses.models import Response

BY_CODE = 1  # the number of the link in the token of an answer page that a code led to; a mail's own has 0


def message_of(session: Session, keys: Keys, code: str) -> Message | None:
    """The wave's message through which an answer by this code counts, or None: nothing says why. One statement.

    A code that does not exist costs what one does: the digests are looked up together.
    """
    digests = [codes.digest_of(key, code) for key in keys.keys[:LIVE_KEYS]]
    query = select(Message).join(ReachStep, ReachStep.message_id == Message.id)
    query = query.join(PaperLetter, PaperLetter.step_id == ReachStep.id)
    return session.scalar(query.where(PaperLetter.code_digest.in_(digests)))


def schools_of(session: Session, message: Message) -> frozenset[int]:
    """The schools that the letter on paper lists which stands for a message; empty without one."""
    letter = _letter_for(session, message)
    return frozenset(letter.schools) if letter else frozenset()


def note_rung(session: Session, message: Message, responses: Sequence[Response]) -> None:
    """Note that these responses came by the code of the letter on paper that stands for a message."""
    letter = _letter_for(session, message)
    if letter is not None:
        session.add_all(ReachAnswer(response_id=response.id, step_id=letter.step_id) for response in responses)
        session.flush()


def _letter_for(session: Session, message: Message) -> PaperLetter | None:
    query = select(PaperLetter).join(ReachStep, PaperLetter.step_id == ReachStep.id)
    return session.scalar(query.where(ReachStep.message_id == message.id).order_by(PaperLetter.id.desc()).limit(1))
