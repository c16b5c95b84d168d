"""By which rung of the ladder answers came: the code of a letter on paper, a call; none of those from a mail."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import aliased

from outreach.db import Session
from outreach.delivery.models import Message, MessageState, MessageSubject
from outreach.directory.models import Contact
from outreach.reach.models import ReachAnswer, ReachChannel, ReachStep
from outreach.responses.models import Response, ResponseSchool

WAYS = {ReachChannel.PAPER: "par le code de la lettre", ReachChannel.CALL: "par téléphone"}


def ways_of(session: Session, responses: Collection[int]) -> dict[int, str]:
    """How responses came, in French, by their keys, where it was not from a mail; one statement."""
    query = select(ReachAnswer.response_id, ReachStep.channel).join(ReachStep, ReachStep.id == ReachAnswer.step_id)
    found = session.execute(query.where(ReachAnswer.response_id.in_(responses)))
    return {response: WAYS[channel] for response, channel in found if channel in WAYS}


def letters_answered(mailings: Collection[int]) -> Select[int | None, str]:
    """The authority and the address (its key) of the letters of these mailings that were answered, by a reaction.

    The answer came from the letter, or others came by paper or phone that are about all the schools that it lists. One
    that asks for something there is about those that no letter of its mailing reached.
    """
    by_mail = select(Response.message_id).join(Message, Message.id == Response.message_id)
    by_mail = by_mail.where(Message.mailing_id.in_(mailings), Response.id.not_in(select(ReachAnswer.response_id)))
    by_mail = by_mail.where(Response.is_a_reaction())
    given = select(Response.authority_id).join(ReachAnswer, ReachAnswer.response_id == Response.id)
    given = given.where(Response.is_a_reaction())
    through = aliased(Message)
    given = given.join(through, through.id == Response.message_id).where(through.mailing_id.in_(mailings))
    by_step = and_(Message.authority_id.in_(given), or_(_is_about_all(mailings), _asks_for_all()))
    query = select(Message.authority_id, Message.address_key).where(Message.mailing_id.in_(mailings))
    return query.where(or_(Message.id.in_(by_mail), by_step))


def mailboxes_answered(mailings: Collection[int]) -> Select[int]:
    """The keys of the contacts whose letters of these mailings were answered."""
    answered = letters_answered(mailings).subquery()
    is_theirs = (Contact.authority_id == answered.c.authority_id) & (Contact.address_key == answered.c.address_key)
    return select(Contact.id).join(answered, is_theirs)


def _is_about_all(mailings: Collection[int]) -> ColumnElement[bool]:
    """Whether answers by paper or phone, through these mailings, are about each school that a letter lists."""
    through = aliased(Message)
    said = select(ResponseSchool.school_id).join(Response, Response.id == ResponseSchool.response_id)
    said = said.join(ReachAnswer, ReachAnswer.response_id == Response.id).where(Response.is_a_reaction())
    said = said.join(through, through.id == Response.message_id).where(through.mailing_id.in_(mailings))
    return ~exists().where(MessageSubject.message_id == Message.id, MessageSubject.school_id.not_in(said))


def _asks_for_all() -> ColumnElement[bool]:
    """Whether a letter is one of those that did not arrive, for which somebody asked by paper or phone."""
    through = aliased(Message)
    asked = select(Response.id).join(ReachAnswer, ReachAnswer.response_id == Response.id)
    asked = asked.join(through, through.id == Response.message_id)
    asked = asked.where(
        Response.is_a_reaction(),
        through.mailing_id == Message.mailing_id,
        Response.authority_id == Message.authority_id,
    )
    is_request = Response.id.not_in(select(ResponseSchool.response_id))
    return and_(Message.state != MessageState.ACCEPTED, exists(asked.where(is_request).correlate(Message)))
