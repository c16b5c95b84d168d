"""Pauses waves automatically when too many of their letters are refused or bring complaints."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from outreach.campaigns import lifecycle
from outreach.campaigns.models import Wave, WaveState, WaveTransition
from outreach.campaigns.schedule import wave_moves
from outreach.db import Session
from outreach.delivery import breaker
from outreach.delivery.breaker import Rates

AUTO_PAUSE = "frein automatique"


def failing(session: Session) -> list[int]:
    """The running waves that should pause."""
    running = session.scalars(select(Wave).where(Wave.state == WaveState.RUNNING, Wave.mailing_id.is_not(None)))
    return [wave.id for wave, rates in outcomes(session, running).items() if rates.stops]


def pause_failing(session: Session, *, now: datetime) -> int:
    """Pause the running waves that should pause, each with its reason. Returns how many.

    Only a person resumes them.
    """
    paused = 0
    for wave_id in failing(session):
        wave = session.get_one(Wave, wave_id)
        lifecycle.in_turn(session, wave.campaign_id)
        session.refresh(wave)
        why = outcomes(session, [wave])[wave].stops
        if wave.state is WaveState.RUNNING and why:
            wave_moves.move_wave(session, wave, WaveState.PAUSED, now=now, actor=AUTO_PAUSE, note=why)
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
    return {mailings[mailing]: rates for mailing, rates in breaker.outcomes(session, since).items()}


def held(session: Session) -> list[tuple[Wave, str]]:
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


def warning(session: Session, wave: Wave) -> str:
    """A warning, in French, that a running wave may soon pause automatically, or ''."""
    warns = outcomes(session, [wave])[wave].warns if wave.state is WaveState.RUNNING and wave.mailing_id else ""
    return f"{warns} ; la vague se met en pause d’elle-même à une sur dix" if warns else ""


def _last_move(session: Session, wave: Wave) -> WaveTransition | None:
    query = select(WaveTransition).where(WaveTransition.wave_id == wave.id)
    return session.scalar(query.order_by(WaveTransition.id.desc()).limit(1))
