"""Three numbers of many campaigns at once, as their list shows them: those that `campaigns.counts` gives of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, case, func, select

from outreach.adherence.models import Strand, Word
from outreach.adherence.standing import joined_schools
from outreach.campaigns.counting import classes
from outreach.campaigns.counting.classes import IS_TRIED
from outreach.campaigns.entries.models import CampaignSchool
from outreach.campaigns.models import Campaign, Wave
from outreach.days import today
from outreach.db import Session
from outreach.db.local_days import brussels_day
from outreach.delivery.models import Mailing, Message, MessageSubject
from outreach.measuring.reactions import HAS_LEFT, LEFT_AT
from outreach.reach.proof import AUTHORITY
from outreach.responses.models import Response
from outreach.segments.audience import Concerns


@dataclass(frozen=True, slots=True)
class Overall:
    """How many authorities are recipients, how many answered, and of how many a listed school joined since: None of a
    campaign to who has joined."""

    recipients: int = 0
    answered: int = 0
    joined_since: int | None = 0


def overall(session: Session, campaigns: Sequence[int], *, now: datetime) -> dict[int, Overall]:
    """The numbers of campaigns by their keys, in four statements; a campaign has none that wrote to nobody and that
    nobody answered."""
    rows = session.execute(_letters(campaigns)).all()
    came = {campaign: (sent, answered) for campaign, sent, answered in rows if sent or answered}
    listed = [*session.execute(_joined(campaigns, now)).all(), *session.execute(_posted(campaigns, now)).all()]
    since = {(campaign, school) for campaign, _, school, is_since in listed if is_since}
    pairs = {(campaign, authority) for campaign, authority, school, _ in listed if (campaign, school) in since}
    joined = Counter(campaign for campaign, _ in pairs)
    to_joined = session.scalars(select(Campaign.id).where(Campaign.concerns == Concerns.JOINED)).all()
    joined_since = {**joined, **dict.fromkeys(to_joined)}
    return {key: Overall(*counts, joined_since.get(key, 0)) for key, counts in came.items()}


def _letters(campaigns: Sequence[int]) -> Select[int, int, int]:
    """The authorities to which a letter left, or was tried, and those that answered one."""
    tried, answered = case((IS_TRIED, AUTHORITY)), case((Response.id.is_not(None), AUTHORITY))
    query = select(Wave.campaign_id, func.count(tried.distinct()), func.count(answered.distinct()))
    query = query.join(Message, Message.mailing_id == Wave.mailing_id).where(Wave.campaign_id.in_(campaigns))
    given = and_(Response.message_id == Message.id, Response.is_a_reaction())
    return query.outerjoin(Response, given).group_by(Wave.campaign_id)


def _joined(campaigns: Sequence[int], now: datetime) -> Select[int, int, int, int]:
    """From the schools that have joined to the letters that listed them: most letters list none of these.

    Outer joins, as SQLite would otherwise read every letter of the campaigns and each school that it lists. What meets
    no wave of theirs has no campaign.
    """
    known = joined_schools(select(Strand.id), today(now))
    columns = known.c.school_id, known.c.strand_id, known.c.effective_on
    joined = select(*columns).where(known.c.word == Word.CONFIRMED).subquery("confirmed")
    is_open = and_(Campaign.strand_id == joined.c.strand_id, Campaign.concerns != Concerns.JOINED)
    is_since = joined.c.effective_on >= brussels_day(LEFT_AT)
    return (
        select(Campaign.id, AUTHORITY, joined.c.school_id, case((is_since, 1), else_=0))
        .select_from(joined)
        .outerjoin(MessageSubject, MessageSubject.school_id == joined.c.school_id)
        .outerjoin(Message, and_(Message.id == MessageSubject.message_id, HAS_LEFT))
        .outerjoin(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(Wave, and_(Wave.mailing_id == Mailing.id, Wave.campaign_id.in_(campaigns)))
        .outerjoin(Campaign, and_(Campaign.id == Wave.campaign_id, is_open))
        .where(Campaign.id.is_not(None))
        .distinct()
    )


def _posted(campaigns: Sequence[int], now: datetime) -> Select[int, int, int, int]:
    """As `_joined`, of letters on paper."""
    letters = classes.posted().add_columns(CampaignSchool.campaign_id).where(CampaignSchool.campaign_id.in_(campaigns))
    each = letters.subquery("posted")
    known = joined_schools(select(Campaign.strand_id).where(Campaign.id.in_(campaigns)), today(now))
    same = and_(known.c.school_id == each.c.school_id, known.c.strand_id == Campaign.strand_id)
    is_since = case((known.c.effective_on >= each.c[2], 1), else_=0)
    pairs = each.c.campaign_id, each.c.authority_id, each.c.school_id
    query = select(*pairs, is_since).join(Campaign, Campaign.id == each.c.campaign_id)
    is_open = known.c.word == Word.CONFIRMED, Campaign.concerns != Concerns.JOINED
    return query.join(known, same).where(*is_open).distinct()
