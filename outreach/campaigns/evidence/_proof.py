"""What proves that letters, paper or calls reached an authority: an answer, a joining, a person's opening.

That our relay took a letter proves nothing of the recipient, nor does an opening.
"""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union,
)
from sqlalchemy.orm import aliased

from outreach.adherence.situation import joined_schools
from outreach.campaigns.evidence._channels import BY_HAND, POSTED
from outreach.campaigns.evidence._steps import (
    EscalationStep,
    ReachAnswer,
    ReachCall,
    ReachTransition,
    StepState,
)
from outreach.core.db import Session, UtcDateTime
from outreach.core.db.local_days import brussels_day
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject, Reason
from outreach.directory.authorities import Call
from outreach.directory.models import Contact
from outreach.engagement import tracking
from outreach.engagement.replies import BY_MAIL, MailedResponse, Response, ResponseSchool
from outreach.engagement.tracking import HAS_LEFT, LEFT_AT, OPENING, Hit, HitClass, replied


def ways_of(session: Session, responses: Collection[int]) -> dict[int, str]:
    """How responses came, in French, by their keys, where it was not by the page of a letter; one statement."""
    query = select(Response.id, EscalationStep.channel, MailedResponse.mail_id).where(Response.id.in_(responses))
    query = query.outerjoin(ReachAnswer, ReachAnswer.response_id == Response.id)
    query = query.outerjoin(EscalationStep, EscalationStep.id == ReachAnswer.step_id)
    query = query.outerjoin(MailedResponse, MailedResponse.response_id == Response.id)
    found = session.execute(query).all()
    ways = {key: channel.facts.answered for key, channel, mail in found if channel and not mail}
    return ways | {key: BY_MAIL for key, _, mail in found if mail}


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


AUTHORITY = type_coerce(Message.authority_id, Integer)  # never None: the letters of waves go to authorities
Mailings = Sequence[int] | Sequence[int | None] | Select[int]
NOT_FOR = (
    *(Reason.LEFT_OUT, Reason.REPORTED, Reason.JOINED, Reason.NOT_CONCERNED, Reason.ANSWERED, Reason.WRITTEN),
    *(Reason.DRAWN, Reason.SOLICITED),
)


def answers_since(mailings: Mailings) -> Subquery:
    """Who answered, and when first: columns authority_id, at."""
    query = select(Response.authority_id, func.min(Response.given_at, type_=UtcDateTime()).label("at"))
    query = query.join(Message, Message.id == Response.message_id)
    query = query.where(Message.mailing_id.in_(mailings), Response.is_a_reaction())
    return query.group_by(Response.authority_id).subquery("answers")


def paper_and_calls(mailings: Mailings) -> Subquery:
    """What people tried beside mail: columns authority_id, evidence (what something done proves, or NULL), called_at
    (the first call noted), posted_at (when the first posting was noted), first_posted_on and posted_on (the days of the
    first and the last posting)."""
    noted = and_(Call.id == ReachCall.call_id, Call.withdrawn_at.is_(None))
    is_posted = and_(EscalationStep.channel.in_(POSTED), is_done())
    proved = [(EscalationStep.channel == one, one.facts.evidence.value) for one in BY_HAND if one.facts.evidence]
    query = (
        select(
            EscalationStep.authority_id,
            func.max(case((is_done(), case(*proved)))).label("evidence"),
            func.min(Call.recorded_at, type_=UtcDateTime()).label("called_at"),
            func.min(case((is_posted, ReachTransition.at)), type_=UtcDateTime()).label("posted_at"),
            func.min(case((is_posted, paper_posted_on())), type_=Date()).label("first_posted_on"),
            func.max(case((is_posted, paper_posted_on())), type_=Date()).label("posted_on"),
        )
        .join(ReachTransition, ReachTransition.step_id == EscalationStep.id)
        .outerjoin(ReachCall, ReachCall.step_id == EscalationStep.id)
        .outerjoin(Call, noted)
        .where(EscalationStep.mailing_id.in_(mailings), EscalationStep.channel.in_(BY_HAND))
    )
    return query.group_by(EscalationStep.authority_id).subquery("steps")


def proved_clicks(mailings: Mailings) -> Subquery:
    """Of whom a person at a mailbox with a basis in force followed a link of its letter: column authority_id.

    A click that may be a machine's proves nothing.
    """
    in_force = Contact.id.in_(tracking.mailboxes_in_force())
    query = tracking.with_basis().join(Hit, Hit.message_id == Message.id)
    is_a_persons = Hit.hit_class == HitClass.HUMAN
    seen = query.where(Message.mailing_id.in_(mailings), Hit.link != OPENING, is_a_persons, in_force)
    return seen.with_only_columns(AUTHORITY.label("authority_id")).distinct().subquery("clicks")


def is_done() -> ColumnElement[bool]:
    """Whether a step holds as done, and a transition is the one by which it became so."""
    return and_(EscalationStep.state == StepState.TRIED, ReachTransition.state == StepState.TRIED)


def paper_posted_on() -> ColumnElement[date]:
    """The day on which a letter on paper was posted, of the transition by which its step was done."""
    return func.coalesce(ReachTransition.day, brussels_day(ReachTransition.at), type_=Date())


def proved_authorities(mailings: Mailings, day: date, *, calls: bool = True) -> Select[int]:
    """The keys of the authorities that these mailings reached; without `calls`, those of which something came back."""
    done = paper_and_calls(mailings)
    called = select(done.c.authority_id).where(done.c.evidence.is_not(None), literal(calls))
    came = (
        select(part.c.authority_id) for part in (answers_since(mailings), replied(mailings), proved_clicks(mailings))
    )
    either = union(*came, called, _joined(mailings, day)).subquery("proved")
    return select(either.c.authority_id)


def meant_authorities(mailings: Mailings) -> Select[int]:
    """The keys of the authorities that these mailings were to reach: a letter left, or was to leave."""
    is_for = or_(Message.reason.is_(None), Message.reason.not_in(NOT_FOR))
    return select(AUTHORITY).where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None), is_for)


def _joined(mailings: Mailings, day: date) -> Select[int]:
    """The authorities of which a listed school has joined since its letter left, by mail or on paper."""
    known = joined_schools(select(Mailing.stop_strand_id).where(Mailing.id.in_(mailings)), day)
    same = and_(known.c.school_id == MessageSubject.school_id, known.c.strand_id == Mailing.stop_strand_id)
    posted = paper_and_calls(mailings).alias("posted")
    is_since = or_(
        and_(HAS_LEFT, known.c.stated_on >= brussels_day(LEFT_AT)), known.c.stated_on >= posted.c.first_posted_on
    )
    query = (
        select(AUTHORITY.label("authority_id"))
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(known, same)
        .outerjoin(posted, posted.c.authority_id == Message.authority_id)
        .where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None), is_since)
    )
    return query.distinct()
