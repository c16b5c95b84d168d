"""Asking for approval and giving it: only of a campaign whose every letter has been composed, and reaches somebody."""

from datetime import datetime

from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.campaigns.review.checks import Findings, look_over
from outreach.db import Session
from outreach.errors import InputError, Refused
from outreach.segments.criteria import is_everybody


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
    """Ask for approval of a draft. To write to everybody, the number of authorities is `confirmed`.

    `version` is the digest of what the person read. Raises Refused when it is another now or something blocks it,
    InputError when the number is missing or another.
    """
    refuse_another(campaign, version)
    found = _fit(session, campaign, sending, now)
    written = found.counts.written
    if is_everybody(audiences.criterion_of(campaign)) and confirmed != written:
        raise InputError(f"Ce courriel part à tous les pouvoirs organisateurs : confirmez-en le nombre, {written}.")
    lifecycle.submit(session, campaign, now=now, actor=actor, authorities=written)
    return found


def give(
    session: Session,
    campaign: Campaign,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
    version: str | None = None,
) -> Findings:
    """Approve a campaign as it stands, and as it was read: `version` is the digest of that.

    Raises Refused when it has changed since, something blocks it, or the actor may not.
    """
    refuse_another(campaign, version)
    found = _fit(session, campaign, sending, now)
    lifecycle.approve(session, campaign, now=now, actor=actor, authorities=found.counts.written)
    return found


def refuse_another(campaign: Campaign, version: str | None) -> None:
    """Raises Refused when a campaign is no longer what somebody read."""
    if version is not None and version != lifecycle.content_hash(campaign):
        raise Refused("La campagne a changé depuis que vous l’avez ouverte : relisez-la, puis recommencez.")


def _fit(session: Session, campaign: Campaign, sending: SenderIdentity, now: datetime) -> Findings:
    found = look_over(session, campaign, sending, now=now)
    if found.blocks:
        raise Refused(" ".join(found.blocks))
    return found
