"""Until when an authority may answer from a letter, and what an answer is still worth."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select

from outreach.campaigns.models import ENDED, ON_ITS_WAY, Campaign, Wave, WaveState, WaveTransition
from outreach.days import today
from outreach.db import Session
from outreach.delivery.models import Mailing, Message
from outreach.reach.models import ReachChannel, ReachStep, ReachTransition, StepState

ANSWERS_FOR = timedelta(days=90)  # from the day on which the last wave left, or a letter on paper that stands for it


class AnswerTerm(StrEnum):
    """Where an answer stands in time: asked for, late, after the campaign's end, or no longer taken."""

    OPEN = "open"
    LATE = "late"
    ENDED = "ended"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Term:
    """Where an answer stands, and the last day on which one is taken: None while a wave is still to leave.

    `reminds`: a reminder is planned, which an answer stops.
    """

    stands: AnswerTerm
    last_day: date | None
    reminds: bool = False


def term(deadline: date, last_left: date | None, day: date, *, has_ended: bool) -> Term:
    """Where an answer stands on a day.

    `deadline` is the last day that the letter states. `last_left` is the day on which the last wave left, or a letter
    on paper that stands for this one, or None while a wave is still to leave. An answer is taken for 90 days from
    `last_left`, and never less long than the letter says.
    """
    last_day = None if last_left is None else max(last_left + ANSWERS_FOR - timedelta(days=1), deadline)
    if last_day is not None and day > last_day:
        return Term(AnswerTerm.OVER, last_day)
    if has_ended:
        return Term(AnswerTerm.ENDED, last_day)
    return Term(AnswerTerm.LATE if day > deadline else AnswerTerm.OPEN, last_day)


def term_of(session: Session, message: Message, deadline: date, *, now: datetime) -> Term:
    """Where an answer from this letter stands now."""
    campaign = campaign_of(session, message)
    if campaign is None:  # a test letter
        sent = today(session.get_one(Mailing, message.mailing_id).created_at)
        return term(deadline, sent, today(now), has_ended=False)
    has_ended = campaign.state in ENDED
    coming = set() if has_ended else {wave.state for wave in campaign.waves} & ON_ITS_WAY
    left = [] if coming else [_last_left(session, campaign), _last_on_paper(session, message)]
    last_left = max(filter(None, left), default=None)
    stands = term(deadline, last_left, today(now), has_ended=has_ended)
    return replace(stands, reminds=WaveState.PLANNED in coming)


def campaign_of(session: Session, message: Message) -> Campaign | None:
    """The campaign a letter belongs to, or None."""
    query = select(Campaign).join(Wave, Wave.campaign_id == Campaign.id)
    return session.scalar(query.where(Wave.mailing_id == message.mailing_id))


def _last_left(session: Session, campaign: Campaign) -> date | None:
    """The day on which a wave last began to leave, or went on."""
    query = select(func.max(WaveTransition.at)).join(Wave, Wave.id == WaveTransition.wave_id)
    at = session.scalar(query.where(Wave.campaign_id == campaign.id, WaveTransition.state == WaveState.RUNNING))
    return None if at is None else today(at)


def _last_on_paper(session: Session, message: Message) -> date | None:
    """The day on which the letter on paper that stands for a message was posted, or printed where nobody noted that."""
    query = select(ReachTransition.at, ReachTransition.day).join(ReachStep, ReachStep.id == ReachTransition.step_id)
    query = query.where(ReachStep.message_id == message.id, ReachStep.channel == ReachChannel.PAPER)
    went = query.where(ReachTransition.state.in_((StepState.PRINTED, StepState.TRIED)))
    return max((day or today(at) for at, day in session.execute(went)), default=None)
