"""Exemptions that an approver gives with a reason, and planned waves that a closure has fallen onto."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import select

from outreach.access import approvals
from outreach.campaigns import planning
from outreach.campaigns.models import (
    CLOCK,
    ENDED,
    ON_ITS_WAY,
    Campaign,
    Exemption,
    ExemptionKind,
    ExemptionWithdrawal,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.planning import BlackoutDate, ClosingRule, PlannedWave, refuse_far_away, spelt_moment
from outreach.campaigns.waves._added_reminders import sent_by
from outreach.campaigns.waves._stopping import CALL_OFF_TIME
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.errors import InputError, Refused

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
    approvals.require_second_person(session, actor, *sent_by(wave), what=WHAT)
    why = _reason(reason)
    if at < now + CALL_OFF_TIME:
        raise InputError("Choisissez un moment à venir, dans une minute au moins.")
    refuse_far_away(at, now)
    rule = ClosingRule.of(session, campaign, now=now)
    if rule.first(at).at == at:
        raise Refused("Ce moment est une heure d’envoi : il ne demande pas de dérogation.")
    refuse_out_of_order(campaign, wave, at)
    planning.set_due(wave, rule.exactly(at))
    session.add(_made(ExemptionKind.HOURS, campaign, wave, why, now, actor))
    note = f"planifiée pour le {spelt_moment(at)}, hors des heures d’envoi : {why}"
    planning.note_wave(session, wave, now, actor, note)
    planning.follow_departure(session, wave, at, now=now, actor=actor, because="le départ part hors des heures d’envoi")
    return wave


def waive_calm(session: Session, campaign: Campaign, reason: str, *, now: datetime, actor: str) -> None:
    """Let a campaign write to mailboxes that were written to often, in all its waves.

    Raises Refused when the actor wrote the campaign, when it has ended or was let before; InputError without a reason.
    """
    if campaign.state in ENDED or campaign.calm_waived:
        raise Refused("Cette campagne est terminée, ou n’a pas besoin de dérogation.")
    approvals.require_second_person(session, actor, planning.subject_of(campaign), what=WHAT)
    why = _reason(reason)
    campaign.calm_waived = True
    session.add(_made(ExemptionKind.CALM, campaign, None, why, now, actor))
    sentence = f"Campagne « {campaign.title} » : écrit aussi aux PO déjà sollicités ({why})."
    audit.record_entry(session, now, actor, sentence, planning.subject_of(campaign))


def restore_calm(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Take back that a campaign may write to mailboxes that were written to often, for what has not left yet.

    Raises Refused when it has ended, or may not.
    """
    if campaign.state in ENDED or not campaign.calm_waived:
        raise Refused("Cette campagne est terminée, ou n’a pas de dérogation à retirer.")
    held = [
        each for each in exemptions_of(session, campaign) if each.kind is ExemptionKind.CALM and each.withdrawal is None
    ]
    for exemption in held:
        exemption.withdrawal = ExemptionWithdrawal(withdrawn_at=now, withdrawn_by=actor)
    campaign.calm_waived = False
    sentence = f"Campagne « {campaign.title} » : n’écrit plus aux PO déjà sollicités, la dérogation est retirée."
    audit.record_entry(session, now, actor, sentence, planning.subject_of(campaign))


def exemptions_of(session: Session, campaign: Campaign) -> Sequence[Exemption]:
    """The exemptions of a campaign and of its waves, the oldest first."""
    query = select(Exemption).where(Exemption.campaign_id == campaign.id)
    return session.scalars(query.order_by(Exemption.id)).all()


def refuse_out_of_order(campaign: Campaign, wave: Wave, at: datetime) -> None:
    """Raises Refused when a wave at this instant would cross another one or leave after the campaign's last day.

    Of departures drawn by lot it asks within the wave's own, whose reminders move with its first letter, and for the
    gap to the departure before.
    """
    planning.refuse_closer(wave, at)
    others = [other for other in planning.waves_of(campaign, wave.departure) if other is not wave]
    if planning.is_departure(wave):
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


@dataclass(frozen=True, slots=True)
class ClosedWave:
    """A planned wave whose moment an added closure closes: by which name, and where the calendar would move it."""

    wave: Wave
    name: str
    to: PlannedWave


def closed_waves(session: Session, campaign: Campaign, *, now: datetime) -> list[ClosedWave]:
    """The planned waves of a campaign that fall into an added closure, in order."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED]
    if not planned:
        return []
    rule = ClosingRule.of(session, campaign, now=now)
    return [
        ClosedWave(wave, name, rule.first(wave.due_at)) for wave in planned if (name := rule.closed_by(wave.due_at))
    ]


def waves_within(session: Session, closure: BlackoutDate, *, now: datetime) -> list[ClosedWave]:
    """The planned waves of all campaigns that fall into this closure's days and that an added closure closes.

    It counts the audience of each campaign that has such a wave.
    """
    first = datetime.combine(closure.first_on, time.min, BRUSSELS)
    last = datetime.combine(closure.last_on, time.max, BRUSSELS)
    query = select(Wave).where(Wave.state == WaveState.PLANNED, Wave.due_at >= first, Wave.due_at <= last)
    waves = session.scalars(query.order_by(Wave.due_at, Wave.id)).all()
    closed = {
        one.wave.id: one
        for campaign in dict.fromkeys(wave.campaign for wave in waves)
        for one in closed_waves(session, campaign, now=now)
    }
    return [closed[wave.id] for wave in waves if wave.id in closed]


def planners_of(session: Session, wave: Wave) -> Sequence[str]:
    """Who planned a wave, or moved it since."""
    query = select(WaveTransition.actor).where(
        WaveTransition.wave_id == wave.id,
        WaveTransition.state == WaveState.PLANNED,
        WaveTransition.actor != CLOCK,
    )
    return session.scalars(query.order_by(WaveTransition.id)).all()


def move_wave(
    session: Session, campaign: Campaign, number: int, to: datetime, *, now: datetime, actor: str, may_approve: bool
) -> Wave:
    """Move a planned wave out of a closure, to the next open moment, which is `to` as the person has seen it.

    The approval stays: the calendar moves a wave as it does when the wave is planned. Raises Refused when the wave is
    not planned, when no closure closes its moment, when the calendar has changed since, when the actor neither planned
    it nor may approve, and when it would cross another wave or leave after the campaign's last day.

    A departure drawn by lot moves the later ones.
    """
    closed = next((one for one in closed_waves(session, campaign, now=now) if one.wave.number == number), None)
    if closed is None:
        raise Refused("Cette vague n’est plus planifiée dans une fermeture : elle ne se déplace pas.")
    wave = closed.wave
    if not may_approve and actor not in planners_of(session, wave):
        raise Refused("Déplacer cette vague revient à la personne qui l’a planifiée, ou à une personne qui valide.")
    if closed.to.at != to:
        raise Refused("Le calendrier a changé entre-temps : regardez à nouveau où la vague irait.")
    refuse_far_away(to, now)
    refuse_out_of_order(campaign, wave, to)
    planning.set_due(wave, closed.to)
    planning.note_wave(session, wave, now, actor, f"planifiée pour le {spelt_moment(to)}, déplacée : {closed.name}")
    planning.follow_departure(session, wave, to, now=now, actor=actor, because=closed.name)
    return wave
