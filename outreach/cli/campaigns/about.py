"""What every command about a campaign says of it: its programme and its strand."""

from outreach.adherence import programmes
from outreach.campaigns.models import Campaign
from outreach.core.db import Session


def about_of(campaign: Campaign) -> dict[str, str | int]:
    """The code of its programme and the number of its strand, as JSON names them."""
    return {"programme": campaign.strand.programme.code, "strand": campaign.strand.number}


def called_of(session: Session, campaign: Campaign) -> str:
    """What it is called in French: "Campagne 4, « Lire », Plan lecture, volet 1"."""
    return f"Campagne {campaign.id}, « {campaign.title} », {programmes.strand_name(session, campaign.strand)}"
