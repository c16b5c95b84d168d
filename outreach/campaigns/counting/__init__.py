"""The classes of a campaign: what became of each authority and school that it means."""

from outreach.campaigns.counting._classes import (
    FLAGS, IS_TRIED, TO_REACH, Class, Classified, Handing, Reach, as_if_launched, classify_campaign, posted_schools,
)
from outreach.campaigns.counting._counts import (
    IN_CONCERNED, CampaignCounts, Counts, is_silent, of_audience, of_authorities, of_campaign, sum_counts,
)
from outreach.campaigns.counting._entries import CampaignSchool, enter_audience, enter_listed

__all__ = [
    "FLAGS", "IN_CONCERNED", "IS_TRIED", "TO_REACH", "CampaignCounts", "CampaignSchool", "Class", "Classified",
    "Counts", "Handing", "Reach", "as_if_launched", "classify_campaign", "enter_audience", "enter_listed", "is_silent",
    "of_audience", "of_authorities", "of_campaign", "posted_schools", "sum_counts",
]
