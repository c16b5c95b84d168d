"""Campaigns that are over: who answered and who joined by the deadline, and after how many days."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from outreach.campaigns.audiences import launched
from outreach.campaigns.models import Campaign, Wave
from outreach.days import today
from outreach.db import Session, UtcDateTime
from outreach.delivery.models import Mailing, Message
from outreach.directory.models import Authority, Network
from outreach.effect.rehearsal.factor import Counts, History
from outreach.effect.rehearsal.plays import Behaviour
from outreach.measuring import reactions
from outreach.measuring.reactions import AUTHORITY, Asked
from outreach.responses.models import Response

MOST_EARLIER = 20
"""Earlier campaigns that a rehearsal stands on, the newest."""
GUESSED_JOINING = (1, 2, 3, 5, 7, 9, 12, 16, 21, 28)
GUESSED_ANSWERING = (0, 0, 1, 1, 2, 3, 5, 7, 10, 14)
"""Days after the letter, where no campaign of the class tells them: a guess, as the share that joins then is."""


@dataclass(frozen=True, slots=True)
class Reacted:
    """What came of a campaign's letters to one authority by its deadline: days after its first letter, or None."""

    network: str
    answered: int | None
    joined: int | None


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a campaign by its deadline, of each authority to which a letter left."""

    deadline: date
    each: Sequence[Reacted]

    @property
    def joined(self) -> int:
        """How many authorities joined since their letter, with one school at least, confirmed."""
        return sum(one.joined is not None for one in self.each)

    def counts(self, name: str) -> Counts:
        """By network, how many `answered` or `joined`, and of how many."""
        of = Counter(one.network for one in self.each)
        did = Counter(one.network for one in self.each if getattr(one, name) is not None)
        return {network: (did[network], count) for network, count in of.items()}


def deadline_of(campaign: Campaign) -> date | None:
    """The last day to answer that a letter of a campaign's launched waves states; None before the first one."""
    own = launched(campaign)
    days = [_answer_by(campaign, wave) for wave in campaign.waves if wave.mailing_id in own]
    return max(days, default=None)


def _answer_by(campaign: Campaign, wave: Wave) -> date:
    return wave.answer_by or today(wave.due_at + timedelta(days=campaign.deadline_days))


def came_of(session: Session, campaign: Campaign, *, now: datetime) -> Came | None:
    """What came of a campaign by its deadline; None until that day has passed."""
    deadline = deadline_of(campaign)
    if deadline is None or deadline >= today(now):
        return None
    own = launched(campaign)
    letters = (
        select(AUTHORITY.label("authority_id"), func.min(reactions.left_at(), type_=UtcDateTime()).label("left_at"))
        .where(Message.mailing_id.in_(own))
        .group_by(Message.authority_id)
        .subquery("letters")
    )
    answers = (
        select(Response.authority_id, func.min(Response.given_at, type_=UtcDateTime()).label("given_at"))
        .join(Message, Message.id == Response.message_id)
        .where(Message.mailing_id.in_(own), Response.stands())
        .group_by(Response.authority_id)
        .subquery("answers")
    )
    joined = reactions.joined_of(Asked(own, deadline))
    query = (
        select(Network.code, letters.c.left_at, answers.c.given_at, joined.c.joined_on)
        .select_from(letters)
        .join(Authority, Authority.id == letters.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .outerjoin(answers, answers.c.authority_id == letters.c.authority_id)
        .outerjoin(joined, joined.c.authority_id == letters.c.authority_id)
        .where(letters.c.left_at.is_not(None))
        .order_by(letters.c.authority_id)
    )
    each = [
        Reacted(network, _days(left, answered and today(answered), deadline), _days(left, joined_on, deadline))
        for network, left, answered, joined_on in session.execute(query)
    ]
    return Came(deadline, each)


def _days(left: datetime, day: date | None, deadline: date) -> int | None:
    return max((day - today(left)).days, 0) if day and day <= deadline else None


def of_class(session: Session, campaign: Campaign, *, now: datetime) -> list[Came]:
    """What came of the campaigns of a campaign's class that are over, the oldest first.

    They are of the same class of message about the same kind of schools, and their deadlines have passed.
    """
    has_left = select(Wave.campaign_id).join(Mailing).where(Mailing.filled_at.is_not(None))
    query = select(Campaign).where(
        Campaign.id.in_(has_left),
        Campaign.id != campaign.id,
        Campaign.message_class == campaign.message_class,
        Campaign.concerns == campaign.concerns,
    )
    over = [(deadline_of(one), one) for one in session.scalars(query)]
    newest = sorted(((day, one.id, one) for day, one in over if day and day < today(now)), reverse=True)[:MOST_EARLIER]
    told = (came_of(session, one, now=now) for _, _, one in reversed(newest))
    return [came for came in told if came and came.each]


def behaviour(before: Sequence[Came]) -> Behaviour:
    """How a class of campaigns went, as a rehearsal takes it; delays are guessed where nobody joined or answered."""
    joined, answered = (
        sorted(days for came in before for one in came.each if (days := getattr(one, name)) is not None)
        for name in ("joined", "answered")
    )
    return Behaviour(
        History([came.counts("joined") for came in before]),
        History([came.counts("answered") for came in before]),
        joined or GUESSED_JOINING,
        answered or GUESSED_ANSWERING,
    )
