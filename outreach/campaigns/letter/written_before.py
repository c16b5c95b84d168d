"""Authorities that already had a letter of a campaign: only they may be told of a reminder."""

from collections.abc import Sequence

from sqlalchemy import Integer, Select, select, type_coerce

from outreach.campaigns.models import Wave
from outreach.delivery.models import Message
from outreach.measuring.reactions import AUTHORITY, HAS_LEFT
from outreach.reach.models import ReachChannel, ReachStep, StepState

Mailings = Sequence[int] | Select[int]


def had_letter_of(mailings: Mailings) -> Select[int]:
    """The keys of the authorities for which a letter of these mailings left, by mail or on paper, and did not come
    back."""
    mailed = select(AUTHORITY).where(Message.mailing_id.in_(mailings), Message.authority_id.is_not(None), HAS_LEFT)
    posted = select(ReachStep.authority_id).where(ReachStep.mailing_id.in_(mailings))
    posted = posted.where(ReachStep.channel == ReachChannel.PAPER, ReachStep.state == StepState.TRIED)
    either = mailed.union_all(posted).subquery("had_letter")
    return select(either.c.authority_id)


def had_letter_before(mailing: int) -> Select[int]:
    """The keys of the authorities that had a letter of another wave of the campaign to which a mailing belongs."""
    return had_letter_of(mailings_beside(mailing))


def mailings_beside(mailing: int) -> Select[int]:
    """The keys of the mailings of the other waves of the campaign to which a mailing belongs."""
    campaign = select(Wave.campaign_id).where(Wave.mailing_id == mailing).scalar_subquery()
    others = select(type_coerce(Wave.mailing_id, Integer)).where(Wave.campaign_id == campaign)
    return others.where(Wave.mailing_id.is_not(None), Wave.mailing_id != mailing)
