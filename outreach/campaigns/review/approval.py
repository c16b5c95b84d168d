"""Requesting and giving approval, of campaigns that the checks do not block."""

from datetime import datetime

from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.review.checks import Findings, look_over
from outreach.db import Session
from outreach.errors import InputError, Refused
from outreach.segments.criteria import is_everybody
from outreach.segments.criteria_json import within_limits


def ask(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    confirmed: int | None = None,
    version: str | None = None,
) -> Findings:
    """Request approval of a draft. A letter to everybody needs `confirmed`, the number of authorities it writes to.

    `version` is the digest of the campaign as the person read it. Raises Refused when the campaign has changed since or
    a check blocks it, InputError when `confirmed` is missing or wrong, or when the criteria are larger than allowed.
    """
    refuse_another(campaign, version)
    findings = _fit(session, campaign, sending, now)
    written = findings.counts.written
    if is_everybody(audiences.criterion_of(campaign)) and confirmed != written:
        raise InputError(f"Ce courriel part à tous les pouvoirs organisateurs : confirmez-en le nombre, {written}.")
    lifecycle.submit(session, campaign, now=now, actor=actor, authorities=written)
    return findings


def give(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    version: str | None = None,
) -> Findings:
    """Approve a campaign. `version` is the digest of the campaign as the approver read it.

    Raises Refused when the campaign has changed since, when a check blocks it, or when the actor may not approve it.
    """
    refuse_another(campaign, version)
    findings = _fit(session, campaign, sending, now)
    lifecycle.approve(session, campaign, now=now, actor=actor, authorities=findings.counts.written)
    return findings


def refuse_another(campaign: Campaign, version: str | None) -> None:
    """Raise Refused when a campaign differs from the version that a person read. None skips the check."""
    if version is not None and version != lifecycle.content_hash(campaign):
        raise Refused("La campagne a changé depuis que vous l’avez ouverte : relisez-la, puis recommencez.")


def _fit(session: Session, campaign: Campaign, sending: SenderIdentity, now: datetime) -> Findings:
    within_limits(audiences.criterion_of(campaign))
    findings = look_over(session, campaign, sending, now=now)
    if findings.blocks:
        raise Refused(" ".join(findings.blocks))
    return findings
