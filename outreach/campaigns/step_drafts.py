"""Where a person's drafts of a campaign's steps are kept, and what of the campaign each step saves."""

import hashlib
import json

from outreach.campaigns.models import Campaign
from outreach.drafts import Place

# What of a campaign each step shows and saves.
CONTENT = {
    "audience": ("title", "criteria", "concerns", "boxes"),
    "letter": (
        *("message_class", "colour", "tracking", "circular", "circular_url", "subject", "preheader", "letter"),
        *("contact_name", "contact_service", "contact_phone", "contact_email", "sender_name", "sender_address"),
    ),
    "dates": ("starts_at", "reminders", "deadline_days", "stops_on"),
}


def place_of(campaign: Campaign, step: str, user_id: int) -> Place:
    """Where a person types in a step. It tells what is saved as long as that stays the same."""
    saved = json.dumps([str(getattr(campaign, name)) for name in CONTENT[step]] + _chosen_day(campaign, step))
    return Place(user_id, f"campaign:{campaign.id}:{step}", hashlib.sha256(saved.encode()).hexdigest())


def _chosen_day(campaign: Campaign, step: str) -> list[str]:
    """The last day to answer, of a campaign that has one: what was typed before there could be one stays offered."""
    return [str(campaign.deadline_on)] if step == "dates" and campaign.deadline_on else []
