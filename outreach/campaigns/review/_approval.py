"""Requesting and giving approval, of campaigns that the checks do not block; and which await whom."""

from datetime import datetime

from sqlalchemy import Select, and_, or_, select

from outreach.access import approvals
from outreach.access.approvals import APPROVING, Decision, Rewording, Thing, compare_texts
from outreach.campaigns import planning
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import ApprovedLetter, Campaign, CampaignState, Wave
from outreach.campaigns.planning import Stage
from outreach.campaigns.review._checks import Findings, check_campaign, refuse_blocked
from outreach.campaigns.segments import is_everybody, within_limits
from outreach.core.db import Session
from outreach.core.text.errors import InputError


def review_campaign(
    session: Session, campaign: Campaign, sending: SenderIdentity, *, now: datetime, version: str | None = None
) -> Findings:
    """Look a campaign over. It composes every letter, so do it before the transaction that writes.

    `version` is the digest of the campaign as the person read it. Raises Refused when the campaign has changed since or
    a check blocks it, InputError when its criteria are larger than allowed.
    """
    approvals.refuse_another(planning.content_of(campaign), version)
    within_limits(planning.criterion_of(campaign))
    findings = check_campaign(session, campaign, sending, now=now)
    refuse_blocked(findings)
    return findings


def ask_approval(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    confirmed: int | None = None,
    judged: Findings | None = None,
) -> Findings:
    """Request approval of a draft. A letter to everybody needs `confirmed`, the number of authorities it writes to.

    `judged` is what `review_campaign` found before; without it the campaign is looked over here. Raises Refused when
    the campaign has changed since or as `review_campaign` does, InputError when `confirmed` is missing or wrong.
    """
    findings = _findings(session, campaign, sending, now, judged)
    written = findings.counts.written
    if is_everybody(planning.criterion_of(campaign)) and confirmed != written:
        raise InputError(f"Ce courriel part à tous les pouvoirs organisateurs : confirmez leur nombre, {written}.")
    planning.submit_campaign(session, campaign, now=now, actor=actor, extent=findings.extent)
    return findings


def give_approval(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    judged: Findings | None = None,
    overlap: int = 0,
) -> Findings:
    """Approve a campaign. `judged` is what `review_campaign` found before; without it the campaign is looked over here.

    Where other campaigns write to many of its authorities within a week, `overlap` is how many the approver has seen.
    Raises Refused when the campaign has changed since, when a check blocks it, or when the actor may not approve it;
    InputError when `overlap` is fewer than there are.
    """
    findings = _findings(session, campaign, sending, now, judged)
    seen = findings.ticked_off(overlap)
    planning.approve_campaign(session, campaign, now=now, actor=actor, extent=findings.extent, reason=seen)
    return findings


def give_and_plan(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    earliest: datetime,
    judged: Findings | None = None,
    overlap: int = 0,
) -> Wave:
    """Approve a campaign and plan its waves, both or neither; returns the first wave.

    The first wave moves to `earliest` or later, as `lifecycle.schedule_campaign` does. Raises as `give_approval` and
    `lifecycle.schedule_campaign` do, InputError when the campaign has no start.
    """
    give_approval(session, campaign, sending, now=now, actor=actor, judged=judged, overlap=overlap)
    return planning.schedule_campaign(session, campaign, None, now=now, actor=actor, earliest=earliest)


def _findings(
    session: Session, campaign: Campaign, sending: SenderIdentity, now: datetime, judged: Findings | None
) -> Findings:
    """What was found about the campaign exactly as it stands."""
    if judged is None:
        return review_campaign(session, campaign, sending, now=now)
    approvals.refuse_another(planning.content_of(campaign), judged.content.digest)
    return judged


def since_approval(session: Session, campaign: Campaign) -> list[Rewording]:
    """The texts of a campaign's letter that differ from those last approved; none before a first approval."""
    query = (
        select(ApprovedLetter)
        .join(Decision, Decision.digest == ApprovedLetter.digest)
        .where(Decision.subject == planning.subject_of(campaign), Decision.kind.in_(APPROVING))
        .where(ApprovedLetter.campaign_id == campaign.id)
        .order_by(Decision.id.desc())
    )
    before = session.scalars(query.limit(1)).first()
    if before is None:
        return []
    texts = (
        ("Objet", before.subject, campaign.subject),
        ("Texte d’aperçu", before.preheader, campaign.preheader),
        ("Courriel", before.letter, campaign.letter),
    )
    return [Rewording(name, compare_texts(old, new)) for name, old, new in texts if old != new]


def awaiting_campaigns(person: str) -> Select[Campaign]:
    """Select the campaigns that this author (an e-mail address) has a hand in and that await more, the oldest first.

    DRAFT: they were sent back. APPROVED: no wave of theirs is planned.
    """
    subject = Thing.CAMPAIGN.subjects(Campaign.id)
    is_returned = and_(Campaign.state == CampaignState.DRAFT, approvals.is_returned(subject))
    is_unplanned = and_(Campaign.state == CampaignState.APPROVED, planning.is_at(Stage.APPROVED))
    awaits = approvals.has_a_hand(subject, person), or_(is_returned, is_unplanned)
    return select(Campaign).where(*awaits).order_by(Campaign.id)
