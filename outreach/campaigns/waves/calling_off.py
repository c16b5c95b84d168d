"""Calls off a planned wave, and tells which wave starts within a minute."""

from datetime import datetime, timedelta

from outreach.campaigns import audiences
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.campaigns.schedule.wave_moves import move_wave
from outreach.db import Session
from outreach.errors import Refused

# How long a wave that is planned for now can still be called off.
CALL_OFF_TIME = timedelta(seconds=60)
CALLED_OFF = "vague annulée avant de partir"
STARTED = (
    "L’envoi a commencé : il ne s’annule plus en entier. "
    "Le bouton « Annuler ce qui n’est pas parti » retire les courriels qui attendent encore."
)


def coming(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The earliest planned wave that may still start, or None."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED and now <= wave.latest_start]
    return min(planned, key=lambda wave: wave.due_at, default=None)


def starting(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The earliest planned wave, if it is due within 60 seconds or is overdue and may still start; else None."""
    first = coming(campaign, now=now)
    return first if first is not None and first.due_at <= now + CALL_OFF_TIME else None


def follows_a_sending(wave: Wave) -> bool:
    """Whether an earlier wave of the campaign, or of the wave's departure, was launched.

    Calling this wave off then leaves the others planned.
    """
    others = audiences.waves_of(wave.campaign, wave.departure)
    return any(other.mailing_id is not None for other in others if other.number < wave.number)


def call_off(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> list[Wave]:
    """Cancel the planned wave with this number, and return all the waves cancelled. The campaign stays approved.

    When no earlier wave was launched, all planned waves are cancelled, so that the campaign can be planned again. Else
    the others stay planned. Raises Refused when the wave has started, or is not planned any more. The caller must hold
    the campaign's turn, as the clock does when it starts a wave: so the two never act at the same time.
    """
    wave = next((candidate for candidate in campaign.waves if candidate.number == number), None)
    if wave is None or wave.state in {WaveState.CANCELLED, WaveState.MISSED}:
        raise Refused("Cette vague n’est plus planifiée : il n’y a rien à annuler.")
    if wave.state is not WaveState.PLANNED:
        raise Refused(STARTED)
    together = [wave] if follows_a_sending(wave) else [w for w in campaign.waves if w.state is WaveState.PLANNED]
    for cancelled in together:
        move_wave(session, cancelled, WaveState.CANCELLED, now=now, actor=actor, note=CALLED_OFF)
    return together
