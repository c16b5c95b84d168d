"""The figures of many campaigns at once, as their list shows them: sent, answered, joined, in authorities."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select

from outreach.adherence.models import Status, Strand, Word
from outreach.adherence.standing import recorded
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.results.figures import is_sent
from outreach.days import today
from outreach.db import Session
from outreach.delivery.models import Mailing, Message, MessageSubject
from outreach.measuring.reactions import AUTHORITY, HAS_LEFT
from outreach.responses.models import Response
from outreach.segments.audience import Concerns


@dataclass(frozen=True, slots=True)
class Overall:
    """How many authorities a campaign was sent to, how many answered and how many joined since.

    They are the figures SENT, ANSWERED and JOINED of its results.
    """

    sent: int = 0
    answered: int = 0
    joined: int = 0


def overall(session: Session, campaigns: Sequence[int], *, now: datetime) -> dict[int, Overall]:
    """The figures of campaigns by their numbers, in four statements; a campaign that sent nothing has none."""
    sent = _counted(session, _letters(campaigns).where(is_sent()))
    if not sent:
        return {}
    answered = _letters(campaigns).join(Response, Response.message_id == Message.id)
    answers, joined = _counted(session, answered), _counted(session, _joined(session, campaigns, now))
    return {key: Overall(count, answers.get(key, 0), joined.get(key, 0)) for key, count in sent.items()}


def _counted(session: Session, query: Select[int, int]) -> dict[int, int]:
    return dict(session.execute(query.group_by(Wave.campaign_id)).all())


def _letters(campaigns: Sequence[int]) -> Select[int, int]:
    """The letters of the waves whose recipients are all known, as `audiences.launched` has them."""
    query = select(Wave.campaign_id, func.count(AUTHORITY.distinct())).join(Mailing, Mailing.id == Wave.mailing_id)
    query = query.join(Message, Message.mailing_id == Mailing.id)
    return query.where(Wave.campaign_id.in_(campaigns), Mailing.filled_at.is_not(None))


def _joined(session: Session, campaigns: Sequence[int], now: datetime) -> Select[int, int]:
    known = recorded([today(now)], session.scalars(select(Strand)).all())
    return (
        _letters(campaigns)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .join(MessageSubject, MessageSubject.message_id == Message.id)
        .join(known, (known.c.school_id == MessageSubject.school_id) & (known.c.strand_id == Campaign.strand_id))
        .where(
            HAS_LEFT,
            Campaign.concerns == Concerns.OPEN,
            known.c.status == Status.JOINED,
            known.c.word == Word.CONFIRMED,
        )
    )
