"""Asking for approval and giving it: only of a campaign whose every letter has been composed, and reaches somebody."""

from datetime import datetime

from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.checks import Findings, look_over
from outreach.campaigns.composing import Sending
from outreach.campaigns.models import Campaign
from outreach.db import Session
from outreach.errors import InputError, Refused
from outreach.segments.criteria import EVERYBODY


def ask(
    session: Session, campaign: Campaign, sending: Sending, *, now: datetime, actor: str, confirmed: int | None = None
) -> Findings:
    """Ask for approval of a draft. To write to everybody, the number of authorities is `confirmed`.

    Raises Refused when something blocks it, InputError when the number is missing or another.
    """
    found = _fit(session, campaign, sending, now)
    written = found.counts.written
    if audiences.criterion_of(campaign) == EVERYBODY and confirmed != written:
        raise InputError(f"Ce courriel part à tous les pouvoirs organisateurs : confirmez-en le nombre, {written}.")
    lifecycle.submit(session, campaign, now=now, actor=actor, authorities=written)
    return found


def give(session: Session, campaign: Campaign, sending: Sending, *, now: datetime, actor: str) -> Findings:
    """Approve a campaign as it stands. Raises Refused when something blocks it, or the actor may not."""
    found = _fit(session, campaign, sending, now)
    lifecycle.approve(session, campaign, now=now, actor=actor, authorities=found.counts.written)
    return found


def _fit(session: Session, campaign: Campaign, sending: Sending, now: datetime) -> Findings:
    found = look_over(session, campaign, sending, now=now)
    if found.blocks:
        raise Refused(" ".join(found.blocks))
    return found
