"""Which campaigns await whoever has a hand in them."""

from sqlalchemy import Select, and_, or_, select

from outreach.approvals import reading
from outreach.approvals.models import Thing
from outreach.campaigns import listing
from outreach.campaigns.listing import Stage
from outreach.campaigns.models import Campaign, CampaignState


def campaigns(person: str) -> Select[Campaign]:
    """Select the campaigns that this author (an e-mail address) has a hand in and that await more, the oldest first.

    DRAFT: they were sent back. APPROVED: no wave of theirs is planned.
    """
    subject = Thing.CAMPAIGN.subjects(Campaign.id)
    is_returned = and_(Campaign.state == CampaignState.DRAFT, reading.is_returned(subject))
    is_unplanned = and_(Campaign.state == CampaignState.APPROVED, listing.is_at(Stage.APPROVED))
    awaits = reading.has_a_hand(subject, person), or_(is_returned, is_unplanned)
    return select(Campaign).where(*awaits).order_by(Campaign.id)
