"""Criteria that name the letters of a draw: whom they mean is not counted before the day of its figure."""

from sqlalchemy import select

from outreach import french
from outreach.adherence.models import Strand
from outreach.campaigns.effects import locking
from outreach.campaigns.models import Campaign, Wave
from outreach.db import Session
from outreach.errors import Refused
from outreach.segments.audience import Concerns
from outreach.segments.criteria import Criterion, leaves
from outreach.segments.kinds.mailings import OfMailings

NAMED = "Ce public nomme les courriels d’un tirage au sort : changez-le, ou attendez."


def veil(session: Session, criterion: Criterion, concerns: Concerns = Concerns.OPEN) -> str:
    """Why whom a criterion means is not counted yet, in French; '' where it is.

    A correction is counted all the same: it has to reach whoever got the wrong letter, and an approver to agree to how
    many these are.
    """
    asked = [leaf for leaf in leaves(criterion) if isinstance(leaf, OfMailings)]
    if not asked or concerns is Concerns.LISTED:
        return ""
    keys, strands = {key for leaf in asked for key in leaf.mailings or ()}, {leaf.strand for leaf in asked}
    named = Campaign.id.in_(select(Wave.campaign_id).where(Wave.mailing_id.in_(keys)))
    words = locking.veil_of_begun(session, named | Strand.number.in_(strands - {None}))
    return french.typeset(f"{NAMED} {words}") if words else ""


def refuse(session: Session, criterion: Criterion, concerns: Concerns = Concerns.OPEN) -> None:
    """Raise Refused where whom a criterion means is not counted yet."""
    if words := veil(session, criterion, concerns):
        raise Refused(words)
