"""What awaits a person, by role: campaigns to approve, to correct or to plan, and answers."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.sql.selectable import ScalarSelect

from outreach.approvals import reading
from outreach.approvals.models import Thing
from outreach.campaigns import listing
from outreach.campaigns.listing import Stage
from outreach.campaigns.models import AddedReminder, Campaign, CampaignState
from outreach.campaigns.replies.models import PreparedText, TextApproval, TextUse
from outreach.db import Session
from outreach.responses.models import Response
from outreach.roles import RoleName


def campaigns(session: Session, person: str, roles: Collection[RoleName]) -> dict[CampaignState, list[Campaign]]:
    """The campaigns that await this person (an e-mail address), the oldest first, by state.

    TO_APPROVE: this person may approve them. DRAFT: this person wrote them, and they were sent back. APPROVED: this
    person wrote them, and no wave of theirs is planned.
    """
    to_approve = Campaign.id.in_(reading.awaiting(session, person, roles, Thing.CAMPAIGN))
    found: dict[CampaignState, list[Campaign]] = {}
    query = select(Campaign).where(or_(to_approve, _awaits_author(person, roles)))
    for campaign in session.scalars(query.order_by(Campaign.id)):
        found.setdefault(campaign.state, []).append(campaign)
    return found


def reminders(session: Session, person: str, roles: Collection[RoleName]) -> Sequence[AddedReminder]:
    """The reminders added to campaigns that this person may approve, the oldest first."""
    keys = reading.awaiting(session, person, roles, Thing.REMINDER)
    return session.scalars(select(AddedReminder).where(AddedReminder.id.in_(keys)).order_by(AddedReminder.id)).all()


def texts(session: Session, person: str, roles: Collection[RoleName]) -> Sequence[PreparedText]:
    """The prepared texts that this person may approve, the oldest first."""
    return session.scalars(select(PreparedText).where(_awaits_text(person, roles)).order_by(PreparedText.id)).all()


def answers(session: Session, person: str, roles: Collection[RoleName]) -> int:
    """How many answers wait for this person or for anybody; 0 for those who do not handle answers."""
    return session.scalars(select(_answers(person))).one() or 0 if RoleName.AUTHOR in roles else 0


def count(session: Session, person: str, roles: Collection[RoleName], others: Sequence[ScalarSelect[int]] = ()) -> int:
    """How many campaigns, added reminders, texts and answers await this person, by one statement; none for those who
    read.

    `others` select how much else does.
    """
    counted: Sequence[ScalarSelect[int]] = [
        *others,
        *reading.counted(person, roles),
        *([_campaigns(person, roles), _answers(person)] if RoleName.AUTHOR in roles else []),
        *([_texts(person, roles)] if RoleName.APPROVER in roles else []),
    ]
    return sum(session.execute(select(*counted)).one()) if counted else 0


def _campaigns(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    return select(func.count()).select_from(Campaign).where(_awaits_author(person, roles)).scalar_subquery()


def _texts(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    awaited = select(func.count()).select_from(PreparedText).where(_awaits_text(person, roles))
    return awaited.scalar_subquery()


def _answers(person: str) -> ScalarSelect[int]:
    is_free = or_(Response.owner.is_(None), Response.owner == person)
    return select(func.count()).select_from(Response).where(Response.handled_at.is_(None), is_free).scalar_subquery()


def _awaits_author(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    if RoleName.AUTHOR not in roles:
        return false()
    subject = Thing.CAMPAIGN.subjects(Campaign.id)
    is_returned = and_(Campaign.state == CampaignState.DRAFT, reading.is_returned(subject))
    is_unplanned = and_(Campaign.state == CampaignState.APPROVED, listing.is_at(Stage.APPROVED))
    return and_(reading.has_a_hand(subject, person), or_(is_returned, is_unplanned))


def _awaits_text(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    """Whether a person may approve a prepared text, as `replies.texts.may_approve` sees it."""
    if RoleName.APPROVER not in roles:
        return false()
    newest = select(func.max(PreparedText.id)).group_by(PreparedText.use)
    is_approved = exists().where(TextApproval.text_id == PreparedText.id)
    needs = PreparedText.use.in_([use for use in TextUse if use.needs_approval])
    return and_(needs, PreparedText.id.in_(newest), PreparedText.written_by != person, ~is_approved)
