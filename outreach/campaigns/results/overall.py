"""The figures of many campaigns at once, as their list shows them: sent, answered, joined, in authorities."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, and_, func, select

from outreach.adherence.models import Status, Strand, Word
from outreach.adherence.standing import recorded
from outreach.campaigns.effects import locking
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

    They are the figures SENT, ANSWERED and JOINED of its results; None what a draw does not tell yet.
    """

    sent: int | None = 0
    answered: int = 0
    joined: int | None = 0


def overall(session: Session, campaigns: Sequence[int], *, now: datetime) -> dict[int, Overall]:
    """The figures of campaigns by their numbers, in four statements; a campaign has none that sent nothing and that
    nobody answered on paper or by phone.
    """
    sent = _counted(session, _letters(campaigns).where(is_sent()))
    answers = _counted(
        session, _letters(campaigns).join(Response, Response.message_id == Message.id).where(Response.stands())
    )
    if not sent and not answers:
        return {}
    joined = dict(session.execute(_joined(session, campaigns, now)).all())
    found = {key: Overall(sent.get(key, 0), answers.get(key, 0), joined.get(key, 0)) for key in {**sent, **answers}}
    drawn = session.scalars(select(Campaign).where(Campaign.id.in_(found), Campaign.departure_gap > 0)).all()
    veiled = [campaign.id for campaign in drawn if locking.is_locked(session, campaign)]
    return found | {key: replace(found[key], sent=None, joined=None) for key in veiled}


def _counted(session: Session, query: Select[int, int]) -> dict[int, int]:
    return dict(session.execute(query.group_by(Wave.campaign_id)).all())


def _letters(campaigns: Sequence[int]) -> Select[int, int]:
    """The letters of the waves whose recipients are all known, as `audiences.launched` has them."""
    query = select(Wave.campaign_id, func.count(AUTHORITY.distinct())).join(Mailing, Mailing.id == Wave.mailing_id)
    query = query.join(Message, Message.mailing_id == Mailing.id)
    return query.where(Wave.campaign_id.in_(campaigns), Mailing.filled_at.is_not(None))


def _joined(session: Session, campaigns: Sequence[int], now: datetime) -> Select[int, int]:
    """From the schools that have joined to the letters that listed them: most letters list none of these.

    Outer joins, as SQLite would otherwise read every letter of the campaigns and each school that it lists. What meets
    no wave of theirs has no campaign.
    """
    known = recorded([today(now)], session.scalars(select(Strand)).all())
    is_confirmed = and_(known.c.status == Status.JOINED, known.c.word == Word.CONFIRMED)
    joined = select(known.c.school_id, known.c.strand_id).where(is_confirmed).subquery("joined")
    is_open = and_(Campaign.strand_id == joined.c.strand_id, Campaign.concerns == Concerns.OPEN)
    return (
        select(Campaign.id, func.count(AUTHORITY.distinct()))
        .select_from(joined)
        .outerjoin(MessageSubject, MessageSubject.school_id == joined.c.school_id)
        .outerjoin(Message, and_(Message.id == MessageSubject.message_id, HAS_LEFT))
        .outerjoin(Mailing, and_(Mailing.id == Message.mailing_id, Mailing.filled_at.is_not(None)))
        .outerjoin(Wave, and_(Wave.mailing_id == Mailing.id, Wave.campaign_id.in_(campaigns)))
        .outerjoin(Campaign, and_(Campaign.id == Wave.campaign_id, is_open))
        .group_by(Campaign.id)
    )
