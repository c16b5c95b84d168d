"""A form that came from a letter's page: whether a person sent it, whether a code led there, and what it brings."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.paper import entering
from outreach.campaigns.waves import answering
from outreach.db import Session
from outreach.delivery.models import Message, MessageState
from outreach.mail.tokens import Token
from outreach.responses import answers
from outreach.responses.answers import Given, Question
from outreach.responses.models import Response
from outreach.web.ui.fields import posted
from outreach.web.ui.request import now, settings

TOO_SOON = timedelta(seconds=3)  # a scanner submits forms as soon as a letter arrives; a person reads first


def is_by_code(read: Token | None) -> bool:
    """Whether the code of a letter on paper led to the answer page, and no mail."""
    return read is not None and read.link == entering.BY_CODE


def is_human(message: Message) -> bool:
    """Whether a form comes from a person. One sent within 3 s of the relay's acceptance has to be confirmed."""
    if posted("confirmed") == "1" or message.state is not MessageState.ACCEPTED:
        return True
    return message.settled_at is None or now() - message.settled_at > TOO_SOON


def question_of(session: Session, message: Message, read: Token | None) -> Question:
    """What the page of a letter asks; by a code, of the schools that the letter on paper lists.

    Raises NotFound as `answers.question_of` does.
    """
    return answers.question_of(session, message, now=now(), about=_about(session, message, read))


def receive(session: Session, message: Message, given: Given, read: Token | None) -> Sequence[Response]:
    """Take what was answered; by a code, it names the rung that it came by. Raises as `answering.receive` does."""
    by_code = is_by_code(read)
    given = replace(given, is_by_code=by_code, about=_about(session, message, read))
    step = entering.step_of(session, message) if by_code else None
    return answering.receive(session, message, given, SenderIdentity.of(settings()), now=now(), step=step)


def _about(session: Session, message: Message, read: Token | None) -> frozenset[int]:
    return entering.schools_of(session, message) if is_by_code(read) else frozenset()
