"""Departures drawn by lot that leave on another day than planned: the later ones move with them, the gap is kept."""

from datetime import datetime, timedelta

from outreach.campaigns.models import ON_ITS_WAY, UNDER_WAY, Campaign, Wave, WaveState
from outreach.campaigns.schedule import planning, wave_moves
from outreach.campaigns.schedule.moments import spelt_moment
from outreach.campaigns.schedule.planning import ClosingRule
from outreach.days import today
from outreach.db import Session
from outreach.effect.draw import DEPARTURES
from outreach.errors import Refused

DAY = timedelta(days=1)
GAP_KEPT = "écart des départs"  # the actor of what keeps the gap by itself; the clock's own notes are of drifts
WAITS = "le départ d’avant est en pause"
TOO_LATE = "elle viendrait après le dernier jour d’envoi"
NOT_LEFT = "la vague d’un départ n’est pas partie : l’envoi est à planifier de nouveau"


def is_departure(wave: Wave) -> bool:
    """Whether a wave is the first letter of a departure."""
    return wave.departure is not None and not wave.reminder


def follow(session: Session, wave: Wave, at: datetime, *, now: datetime, actor: str, because: str) -> None:
    """Move what counts from a departure that leaves at an instant: its reminders, and the later departures with theirs.

    Each goes to the first open time from its number of days on; what would leave after the campaign's last day is
    cancelled. Nothing moves for a wave that is no departure.
    """
    if not is_departure(wave) or wave.departure is None:
        return
    rule, campaign = ClosingRule.of(session, wave.campaign, now=now), wave.campaign
    begun = planning.wall(at)
    _move_reminders(session, campaign, wave.departure, begun, rule, now, actor, because)
    coming = {one.departure: one for one in campaign.waves if is_departure(one) and one.state is WaveState.PLANNED}
    for departure in range(wave.departure + 1, DEPARTURES + 1):
        if departure not in coming:
            break
        planned = rule.wave(0, campaign.departure_gap, begun)
        _move(session, coming[departure], planned, now, actor, because)
        begun = planning.wall(planned.at)
        _move_reminders(session, campaign, departure, begun, rule, now, actor, because)


def postpone(session: Session, wave: Wave, *, now: datetime) -> bool:
    """Move a departure that is due by a day while the one before it is paused, or cancel it after the last day.

    Returns whether it waits.
    """
    waits = is_departure(wave) and any(
        is_departure(one) and one.state is WaveState.PAUSED and (one.departure or 0) < (wave.departure or 0)
        for one in wave.campaign.waves
    )
    if not waits:
        return False
    planned = ClosingRule.of(session, wave.campaign, now=now).first(now + DAY)
    _move(session, wave, planned, now, GAP_KEPT, WAITS)
    follow(session, wave, planned.at, now=now, actor=GAP_KEPT, because=WAITS)
    return True


def call_all_off(session: Session, wave: Wave, *, now: datetime) -> None:
    """Cancel the planned waves of a campaign one of whose departures did not leave: it is to be planned again."""
    for one in wave.campaign.waves:
        if is_departure(wave) and one is not wave and one.state is WaveState.PLANNED:
            wave_moves.move_wave(session, one, WaveState.CANCELLED, now=now, actor=GAP_KEPT, note=NOT_LEFT)


def refuse_closer(wave: Wave, at: datetime) -> None:
    """Raises Refused where a departure at this instant would be nearer to the one before it than the gap."""
    gap = timedelta(days=wave.campaign.departure_gap)
    before = [one for one in wave.campaign.waves if is_departure(one) and one.departure == (wave.departure or 0) - 1]
    counted = [one for one in before if one.mailing_id or one.state in ON_ITS_WAY]
    if is_departure(wave) and counted and today(at) < today(counted[-1].due_at) + gap:
        least = f"au moins {gap.days} jours après celui d’avant"
        raise Refused(f"Le départ {wave.departure} part {least} : choisissez un jour plus tardif.")


def follow_resumed(session: Session, campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Move what counts from a departure that was paused until another day than its own."""
    for wave in campaign.waves:
        if is_departure(wave) and wave.state in UNDER_WAY and today(now) > today(wave.due_at):
            follow(session, wave, now, now=now, actor=actor, because="le départ reprend ce jour")


def _move_reminders(
    session: Session,
    campaign: Campaign,
    departure: int,
    begun: datetime,
    rule: ClosingRule,
    now: datetime,
    actor: str,
    because: str,
) -> None:
    planned = rule.reminders(campaign, begun)
    waves = [one for one in campaign.waves if one.departure == departure and one.state is WaveState.PLANNED]
    for wave in waves:
        if 0 < wave.reminder <= len(planned):
            _move(session, wave, planned[wave.reminder - 1], now, actor, because)


def _move(session: Session, wave: Wave, planned: planning.PlannedWave, now: datetime, actor: str, because: str) -> None:
    if planned.at == wave.due_at:
        return
    if wave.campaign.stops_on is not None and today(planned.at) > wave.campaign.stops_on:
        wave_moves.move_wave(session, wave, WaveState.CANCELLED, now=now, actor=actor, note=f"{because} : {TOO_LATE}")
        return
    wave_moves.set_due(wave, planned)
    wave_moves.note_wave(
        session, wave, now, actor, f"planifiée pour le {spelt_moment(planned.at)}, déplacée : {because}"
    )
