"""Exemptions: what an approver lets a campaign depart from, with a reason that stays: sending hours, or calm."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from outreach import audit
from outreach.approvals import deciding
from outreach.campaigns import audiences, lifecycle
from outreach.campaigns.models import (
    ENDED,
    ON_ITS_WAY,
    Campaign,
    Exemption,
    ExemptionKind,
    ExemptionWithdrawal,
    Wave,
    WaveState,
)
from outreach.campaigns.schedule import departing, wave_moves
from outreach.campaigns.schedule.moments import refuse_far_away, spelt_moment
from outreach.campaigns.schedule.planning import ClosingRule
from outreach.campaigns.waves import added_reminders
from outreach.campaigns.waves.calling_off import CALL_OFF_TIME
from outreach.days import today
from outreach.db import Session
from outreach.errors import InputError, Refused

LONGEST = 500
WHAT = "Cette dérogation"


def let_leave(
    session: Session, campaign: Campaign, number: int, at: datetime, reason: str, *, now: datetime, actor: str
) -> Wave:
    """Let the planned wave with this number leave at a moment that is closed to its recipients.

    Raises Refused when the wave is not planned, when the actor wrote what it sends, when the moment is open anyway,
    before an earlier wave, after a later one or after the campaign's last day; InputError without a reason, or when the
    moment is less than a minute ahead.
    """
    wave = next((wave for wave in campaign.waves if wave.number == number), None)
    if wave is None or wave.state is not WaveState.PLANNED:
        raise Refused("Cette vague n’est plus planifiée : elle ne se déplace plus.")
    deciding.require_second_person(session, actor, *added_reminders.sent_by(wave), what=WHAT)
    why = _reason(reason)
    if at < now + CALL_OFF_TIME:
        raise InputError("Choisissez un moment à venir, dans une minute au moins.")
    refuse_far_away(at, now)
    rule = ClosingRule.of(session, campaign, now=now)
    if rule.first(at).at == at:
        raise Refused("Ce moment est une heure d’envoi : il ne demande pas de dérogation.")
    refuse_out_of_order(campaign, wave, at)
    wave_moves.set_due(wave, rule.exactly(at))
    session.add(_made(ExemptionKind.HOURS, campaign, wave, why, now, actor))
    note = f"planifiée pour le {spelt_moment(at)}, hors des heures d’envoi : {why}"
    wave_moves.note_wave(session, wave, now, actor, note)
    departing.follow(session, wave, at, now=now, actor=actor, because="le départ part hors des heures d’envoi")
    return wave


def waive_calm(session: Session, campaign: Campaign, reason: str, *, now: datetime, actor: str) -> None:
    """Let a campaign write to mailboxes that were written to often, in all its waves.

    Raises Refused when the actor wrote the campaign, when it has ended or was let before; InputError without a reason.
    """
    if campaign.state in ENDED or campaign.calm_waived:
        raise Refused("Cette campagne est terminée, ou n’a pas besoin de dérogation.")
    deciding.require_second_person(session, actor, lifecycle.subject_of(campaign), what=WHAT)
    why = _reason(reason)
    campaign.calm_waived = True
    session.add(_made(ExemptionKind.CALM, campaign, None, why, now, actor))
    told = f"Campagne « {campaign.title} » : écrit aussi aux PO déjà sollicités ({why})."
    audit.record(session, now, actor, told, lifecycle.subject_of(campaign))


def restore_calm(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Take back that a campaign may write to mailboxes that were written to often, for what has not left yet.

    Raises Refused when it has ended, or may not.
    """
    if campaign.state in ENDED or not campaign.calm_waived:
        raise Refused("Cette campagne est terminée, ou n’a pas de dérogation à retirer.")
    held = [each for each in of(session, campaign) if each.kind is ExemptionKind.CALM and each.withdrawal is None]
    for exemption in held:
        exemption.withdrawal = ExemptionWithdrawal(withdrawn_at=now, withdrawn_by=actor)
    campaign.calm_waived = False
    told = f"Campagne « {campaign.title} » : n’écrit plus aux PO déjà sollicités, la dérogation est retirée."
    audit.record(session, now, actor, told, lifecycle.subject_of(campaign))


def of(session: Session, campaign: Campaign) -> Sequence[Exemption]:
    """The exemptions of a campaign and of its waves, the oldest first."""
    query = select(Exemption).where(Exemption.campaign_id == campaign.id)
    return session.scalars(query.order_by(Exemption.id)).all()


def refuse_out_of_order(campaign: Campaign, wave: Wave, at: datetime) -> None:
    """Raises Refused when a wave at this instant would cross another one or leave after the campaign's last day.

    Of departures drawn by lot it asks within the wave's own, whose reminders move with its first letter, and for the
    gap to the departure before.
    """
    departing.refuse_closer(wave, at)
    others = [other for other in audiences.waves_of(campaign, wave.departure) if other is not wave]
    if departing.is_departure(wave):
        others = []
    before = [
        other for other in others if other.number < wave.number and (other.mailing_id or other.state in ON_ITS_WAY)
    ]
    after = [other for other in others if other.number > wave.number and other.state is WaveState.PLANNED]
    if any(other.due_at >= at for other in before) or any(other.due_at <= at for other in after):
        raise Refused("À ce moment, la vague croiserait une autre vague de la campagne.")
    if campaign.stops_on is not None and today(at) > campaign.stops_on:
        raise Refused("Ce moment est après le dernier jour d’envoi de la campagne.")


def _made(kind: ExemptionKind, campaign: Campaign, wave: Wave | None, why: str, now: datetime, actor: str) -> Exemption:
    wave_id = wave.id if wave else None
    return Exemption(kind=kind, campaign_id=campaign.id, wave_id=wave_id, at=now, actor=actor, reason=why)


def _reason(text: str) -> str:
    why = " ".join(text.split()).rstrip(".")
    if not why or not why.isprintable():
        raise InputError("Dites pourquoi : cette raison reste avec la campagne.")
    if len(why) > LONGEST:
        raise InputError(f"{LONGEST} caractères au plus.")
    return why
