"""What awaits a person, by role: campaigns to approve, to correct or to plan, and answers."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.sql.selectable import ScalarSelect

from outreach.campaigns import listing
from outreach.campaigns.lifecycle import SENT_BACK, WRITTEN
from outreach.campaigns.listing import Stage
from outreach.campaigns.models import (
    AddedReminder,
    AddedReminderTransition,
    Campaign,
    CampaignState,
    CampaignTransition,
    ReminderState,
)
from outreach.campaigns.replies.models import PreparedText, TextApproval, TextUse
from outreach.campaigns.waves.added_reminders import WRITTEN as REMINDER_WRITTEN
from outreach.db import Session
from outreach.responses.models import Response
from outreach.roles import RoleName


def campaigns(session: Session, person: str, roles: Collection[RoleName]) -> dict[CampaignState, list[Campaign]]:
    """The campaigns that await this person (an e-mail address), the oldest first, by state.

    TO_APPROVE: this person may approve them. DRAFT: this person wrote them, and they were sent back. APPROVED: this
    person wrote them, and no wave of theirs is planned.
    """
    found: dict[CampaignState, list[Campaign]] = {}
    for campaign in session.scalars(select(Campaign).where(_awaits(person, roles)).order_by(Campaign.id)):
        found.setdefault(campaign.state, []).append(campaign)
    return found


def reminders(session: Session, person: str, roles: Collection[RoleName]) -> Sequence[AddedReminder]:
    """The reminders added to campaigns that this person may approve, the oldest first."""
    return session.scalars(
        select(AddedReminder).where(_awaits_reminder(person, roles)).order_by(AddedReminder.id)
    ).all()


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
        *([_campaigns(person, roles)] if {RoleName.AUTHOR, RoleName.APPROVER} & set(roles) else []),
        *([_answers(person)] if RoleName.AUTHOR in roles else []),
        *([_reminders(person, roles), _texts(person, roles)] if RoleName.APPROVER in roles else []),
    ]
    return sum(session.execute(select(*counted)).one()) if counted else 0


def _campaigns(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    return select(func.count()).select_from(Campaign).where(_awaits(person, roles)).scalar_subquery()


def _reminders(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    awaited = select(func.count()).select_from(AddedReminder).where(_awaits_reminder(person, roles))
    return awaited.scalar_subquery()


def _texts(person: str, roles: Collection[RoleName]) -> ScalarSelect[int]:
    awaited = select(func.count()).select_from(PreparedText).where(_awaits_text(person, roles))
    return awaited.scalar_subquery()


def _answers(person: str) -> ScalarSelect[int]:
    is_free = or_(Response.owner.is_(None), Response.owner == person)
    return select(func.count()).select_from(Response).where(Response.handled_at.is_(None), is_free).scalar_subquery()


def _awaits(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    is_theirs = or_(Campaign.created_by == person, _has_written(person))
    to_approve = and_(Campaign.state == CampaignState.TO_APPROVE, ~is_theirs)
    is_unplanned = and_(Campaign.state == CampaignState.APPROVED, listing.is_at(Stage.APPROVED))
    to_write = and_(is_theirs, or_(and_(Campaign.state == CampaignState.DRAFT, _is_returned()), is_unplanned))
    asked = {RoleName.APPROVER: to_approve, RoleName.AUTHOR: to_write}
    return or_(false(), *(asks for role, asks in asked.items() if role in roles))


def _awaits_reminder(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    """Whether a person may approve an added reminder, as `added_reminders.may_be_approved_by` sees it."""
    if RoleName.APPROVER not in roles:
        return false()
    has_written = exists().where(
        AddedReminderTransition.added_reminder_id == AddedReminder.id,
        AddedReminderTransition.actor == person,
        AddedReminderTransition.state.in_(REMINDER_WRITTEN),
        AddedReminderTransition.note.not_like(f"{SENT_BACK}%"),
    )
    return and_(AddedReminder.state == ReminderState.TO_APPROVE, AddedReminder.created_by != person, ~has_written)


def _awaits_text(person: str, roles: Collection[RoleName]) -> ColumnElement[bool]:
    """Whether a person may approve a prepared text, as `replies.texts.may_approve` sees it."""
    if RoleName.APPROVER not in roles:
        return false()
    newest = select(func.max(PreparedText.id)).group_by(PreparedText.use)
    is_approved = exists().where(TextApproval.text_id == PreparedText.id)
    needs = PreparedText.use.in_([use for use in TextUse if use.needs_approval])
    return and_(needs, PreparedText.id.in_(newest), PreparedText.written_by != person, ~is_approved)


def _has_written(person: str) -> ColumnElement[bool]:
    """Whether a person created, changed or submitted a campaign, as `lifecycle.may_be_approved_by` sees it."""
    return exists().where(
        CampaignTransition.campaign_id == Campaign.id,
        CampaignTransition.actor == person,
        CampaignTransition.state.in_(WRITTEN),
        CampaignTransition.note.not_like(f"{SENT_BACK}%"),
    )


def _is_returned() -> ColumnElement[bool]:
    """Whether a campaign was sent back after it was last submitted. Correcting it does not change that."""
    last = select(func.max(CampaignTransition.id)).where(CampaignTransition.campaign_id == Campaign.id)
    submitted = last.where(CampaignTransition.state == CampaignState.TO_APPROVE).scalar_subquery()
    returned = last.where(CampaignTransition.note.like(f"{SENT_BACK}%")).scalar_subquery()
    return returned > submitted
