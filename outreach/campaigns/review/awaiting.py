"""What awaits a person beside decisions, by role: campaigns to correct or to plan, and answers."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.sql.selectable import ScalarSelect

from outreach.approvals import reading
from outreach.approvals.models import Thing
from outreach.campaigns import listing
from outreach.campaigns.listing import Stage
from outreach.campaigns.models import Campaign, CampaignState
from outreach.db import Session
from outreach.responses import trays
from outreach.responses.models import Response
from outreach.roles import RoleName


def campaigns(session: Session, person: str, roles: Collection[RoleName]) -> dict[CampaignState, list[Campaign]]:
    """The campaigns that this person (an e-mail address) has a hand in and that await more, the oldest first, by state.

    DRAFT: they were sent back. APPROVED: no wave of theirs is planned.
    """
    found: dict[CampaignState, list[Campaign]] = {}
    for campaign in session.scalars(select(Campaign).where(_awaits_author(person, roles)).order_by(Campaign.id)):
        found.setdefault(campaign.state, []).append(campaign)
    return found


def counted(person: str, roles: Collection[RoleName], day: date) -> list[ScalarSelect[int]]:
    """The statements that count the decisions, campaigns and answers that await this person on a day.

    None for those who read.
    """
    decisions = reading.counted(person, roles)
    return [*decisions, _campaigns(person, roles), _answers(person, day)] if RoleName.AUTHOR in roles else decisions


def _campaigns(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    return select(func.count()).select_from(Campaign).where(_awaits_author(person, roles)).scalar_subquery()


def _answers(person: str, day: date) -> ScalarSelect[int]:
    # Not by a join: of one, SQLite reads every response that was ever given, on each page.
    is_theirs = and_(Response.waits(), trays.is_for(person, day))
    return select(func.count()).select_from(Response).where(is_theirs).scalar_subquery()


def _awaits_author(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    if RoleName.AUTHOR not in roles:
        return false()
    subject = Thing.CAMPAIGN.subjects(Campaign.id)
    is_returned = and_(Campaign.state == CampaignState.DRAFT, reading.is_returned(subject))
    is_unplanned = and_(Campaign.state == CampaignState.APPROVED, listing.is_at(Stage.APPROVED))
    return and_(reading.has_a_hand(subject, person), or_(is_returned, is_unplanned))
