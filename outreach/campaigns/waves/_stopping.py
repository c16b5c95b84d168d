"""Stops waves: calls off a planned one, pauses one that is refused or brings complaints too often."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.campaigns import planning
from outreach.campaigns.models import Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.planning import move_wave
from outreach.core.db import Session
from outreach.core.text.errors import Refused
from outreach.delivery import sending
from outreach.delivery.sending import Rates

# How long a wave that is planned for now can still be called off.
CALL_OFF_TIME = timedelta(seconds=60)
CALLED_OFF = "vague annulée avant de partir"
STARTED = (
    "L’envoi a commencé : il ne s’annule plus en entier. "
    "Le bouton « Annuler ce qui n’est pas parti » retire les courriels qui attendent encore."
)


def coming_wave(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The earliest planned wave that may still start, or None."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED and now <= wave.latest_start]
    return min(planned, key=lambda wave: wave.due_at, default=None)


def starting_wave(campaign: Campaign, *, now: datetime) -> Wave | None:
    """The earliest planned wave, if it is due within 60 seconds or is overdue and may still start; else None."""
    first = coming_wave(campaign, now=now)
    return first if first is not None and first.due_at <= now + CALL_OFF_TIME else None


def follows_a_sending(wave: Wave) -> bool:
    """Whether an earlier wave of the campaign, or of the wave's departure, was launched.

    Calling this wave off then leaves the others planned.
    """
    others = planning.waves_of(wave.campaign, wave.departure)
    return any(other.mailing_id is not None for other in others if other.number < wave.number)


def call_off_waves(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> list[Wave]:
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


AUTO_PAUSE = "frein automatique"


def failing_waves(session: Session) -> list[int]:
    """The running waves that should pause."""
    running = session.scalars(select(Wave).where(Wave.state == WaveState.RUNNING, Wave.mailing_id.is_not(None)))
    return [wave.id for wave, rates in outcomes(session, running).items() if rates.stops]


def pause_failing_waves(session: Session, *, now: datetime) -> int:
    """Pause the running waves that should pause, each with its reason. Returns how many.

    Only a person resumes them.
    """
    paused = 0
    for wave_id in failing_waves(session):
        wave = session.get_one(Wave, wave_id)
        planning.in_turn(session, wave.campaign_id)
        session.refresh(wave)
        why = outcomes(session, [wave])[wave].stops
        if wave.state is WaveState.RUNNING and why:
            planning.move_wave(session, wave, WaveState.PAUSED, now=now, actor=AUTO_PAUSE, note=why)
            paused += 1
    return paused


def outcomes(session: Session, waves: Iterable[Wave]) -> dict[Wave, Rates]:
    """The rates of each wave that has a mailing, since it last started or was resumed.

    Earlier outcomes do not count: they were known when it was resumed, so they do not pause it again.
    """
    mailings = {wave.mailing_id: wave for wave in waves if wave.mailing_id is not None}
    begun = (
        select(Wave.mailing_id, func.max(WaveTransition.at))
        .join(Wave, Wave.id == WaveTransition.wave_id)
        .where(WaveTransition.state == WaveState.RUNNING, Wave.mailing_id.in_(mailings))
        .group_by(Wave.mailing_id)
    )
    since = {mailing: at for mailing, at in session.execute(begun) if mailing is not None}
    return {mailings[mailing]: rates for mailing, rates in sending.recent_rates(session, since).items()}


def held_waves(session: Session) -> list[tuple[Wave, str]]:
    """The waves that are paused automatically, each with the reason, in the order of their keys."""
    paused = session.scalars(select(Wave).where(Wave.state == WaveState.PAUSED).order_by(Wave.id)).all()
    return [(wave, why) for wave in paused if (why := why_paused(session, wave))]


def why_paused(session: Session, wave: Wave) -> str:
    """Why a wave was paused automatically, or '' when it is not paused, or was paused otherwise."""
    last = _last_move(session, wave)
    is_automatic = last is not None and last.state is WaveState.PAUSED and last.actor == AUTO_PAUSE
    return last.note if last is not None and is_automatic else ""


def said_of_pause(session: Session, wave: Wave) -> str:
    """Why a wave is paused, automatically, by the clock or by a person; '' when it is not, or nobody said why."""
    last = _last_move(session, wave)
    return last.note if last is not None and last.state is WaveState.PAUSED else ""


def pause_warning(session: Session, wave: Wave) -> str:
    """A warning, in French, that a running wave may soon pause automatically, or ''."""
    warns = outcomes(session, [wave])[wave].warns if wave.state is WaveState.RUNNING and wave.mailing_id else ""
    return f"{warns} ; la vague se met en pause d’elle-même à une sur dix" if warns else ""


def _last_move(session: Session, wave: Wave) -> WaveTransition | None:
    query = select(WaveTransition).where(WaveTransition.wave_id == wave.id)
    return session.scalar(query.order_by(WaveTransition.id.desc()).limit(1))
