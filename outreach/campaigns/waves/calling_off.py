"""The minute before a wave leaves, in which whoever planned it may think again."""

from datetime import datetime, timedelta

from outreach.campaigns.lifecycle import move_wave
from outreach.campaigns.models import Campaign, Wave, WaveState
from outreach.db import Session
from outreach.errors import Refused

GRACE = timedelta(seconds=60)
CALLED_OFF = "envoi annulé avant son départ"
STARTED = (
    "L’envoi a commencé : il ne s’annule plus en entier. "
    "Le bouton « Annuler ce qui n’est pas parti » retire les courriels qui attendent encore."
)


def coming(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The planned wave that comes first and may still start; None when there is none."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED and now <= wave.latest_start]
    return min(planned, key=lambda wave: wave.due_at, default=None)


def starting(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The planned wave that starts within the minute, or should have started a while ago; None when none does."""
    first = coming(campaign, now=now)
    return first if first is not None and first.due_at <= now + GRACE else None


def follows_a_sending(wave: Wave) -> bool:
    """Whether an earlier wave of the campaign has left: this one is then called off alone."""
    return any(one.mailing_id is not None for one in wave.campaign.waves if one.number < wave.number)


def call_off(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> list[Wave]:
    """Take back the planned wave with this number; returns all that are taken back. The campaign stays approved.

    While nothing has left, every other planned wave goes with it, so that the campaign may be planned again; after an
    earlier wave has left, the others stay planned. Raises Refused when that wave has started, or is planned no more.
    The caller moves the campaign in its turn, as the clock does when it starts a wave: one of the two comes first.
    """
    wave = next((one for one in campaign.waves if one.number == number), None)
    if wave is None or wave.state in {WaveState.CANCELLED, WaveState.MISSED}:
        raise Refused("Cet envoi n’est plus planifié : il n’y a rien à annuler.")
    if wave.state is not WaveState.PLANNED:
        raise Refused(STARTED)
    together = [wave] if follows_a_sending(wave) else [w for w in campaign.waves if w.state is WaveState.PLANNED]
    for one in together:
        move_wave(session, one, WaveState.CANCELLED, now=now, actor=actor, note=CALLED_OFF)
    return together
