"""Moves of waves: planned, started, paused, cancelled; recorded with time and actor, and their mailing's gate set."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select

from outreach import audit
from outreach.adherence.models import Programme
from outreach.approvals.models import Thing
from outreach.campaigns.models import (
    CLOCK,
    ON_ITS_WAY,
    WAVE_MOVES,
    Campaign,
    StagedAuthority,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.schedule.moments import spelt_moment
from outreach.campaigns.schedule.planning import PlannedWave
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Gate, Reason
from outreach.errors import Refused
from outreach.events.models import EventKind
from outreach.events.telling import tell

LATEST = timedelta(hours=2)
_TOLD = {  # to programs: a move from one state, or from any
    (WaveState.PLANNED, WaveState.RUNNING): EventKind.WAVE_LAUNCHED,
    (WaveState.FINISHED, WaveState.RUNNING): EventKind.WAVE_REOPENED,
    (None, WaveState.FINISHED): EventKind.WAVE_ENDED,
    (None, WaveState.CANCELLED): EventKind.WAVE_CANCELLED,
}


def plan_wave(
    session: Session,
    campaign: Campaign,
    number: int,
    reminder: int,
    planned: PlannedWave,
    now: datetime,
    actor: str,
) -> Wave:
    """Plan one wave. Whoever calls it has judged that it may leave."""
    wave = Wave(
        campaign=campaign,
        number=number,
        reminder=reminder,
        state=WaveState.PLANNED,
        departure=planned.departure,
    )
    set_due(wave, planned)
    session.add(wave)
    session.flush()
    told = f", {planned.told}" if planned.told else ""
    note_wave(session, wave, now, actor, f"planifiée pour le {spelt_moment(planned.at)}{told}")
    return wave


def set_due(wave: Wave, planned: PlannedWave) -> None:
    """Give a wave the moment and the deadline of a plan."""
    wave.due_at, wave.latest_start, wave.answer_by = planned.at, planned.at + LATEST, planned.deadline.day


def move_wave(session: Session, wave: Wave, state: WaveState, *, now: datetime, actor: str, note: str = "") -> None:
    """Change a wave's state and its mailing's gate, in one transaction. Raises Refused when there is no such move."""
    if state not in WAVE_MOVES[wave.state]:
        raise Refused(f"La {wave.name} est « {wave.state.label} » : elle ne peut pas devenir « {state.label} ».")
    before, wave.state = wave.state, state
    note_wave(session, wave, now, actor, note)
    if kind := _TOLD.get((before, state)) or _TOLD.get((None, state)):
        strand = wave.campaign.strand
        programme = session.get_one(Programme, strand.programme_id).code
        told = {"campaign": wave.campaign_id, "wave": wave.number, "programme": programme, "strand": strand.number}
        tell(session, kind, f"campaign:{wave.campaign_id}", told, at=now)
    if state not in ON_ITS_WAY:
        session.execute(delete(StagedAuthority).where(StagedAuthority.wave_id == wave.id))
    mailing = wave.mailing
    if mailing is None:
        return
    if state is WaveState.CANCELLED:
        outbox.withdraw_all(session, mailing, Reason.CANCELLED, now=now)
    gate = {WaveState.PAUSED: Gate.HELD, WaveState.RUNNING: Gate.OPEN}.get(state, Gate.CLOSED)
    if mailing.filled_at is not None or gate is Gate.CLOSED:
        outbox.set_gate(session, mailing, gate, now=now, actor=actor, note=note)


def note_wave(session: Session, wave: Wave, now: datetime, actor: str, note: str) -> None:
    """Record the state that a wave has, as a transition and in the audit."""
    move = WaveTransition(wave_id=wave.id, state=wave.state, at=now, actor=actor, note=note)
    session.add(move)
    sentence = f"Campagne « {wave.campaign.title} », {wave.name} : {move.told}."
    audit.record(session, now, actor, sentence, Thing.CAMPAIGN.subject(wave.campaign.id))
    session.flush()


def planned_at(session: Session, wave: Wave) -> datetime:
    """When a wave was last planned."""
    query = select(WaveTransition.at).where(WaveTransition.wave_id == wave.id)
    query = query.where(WaveTransition.state == WaveState.PLANNED, WaveTransition.actor != CLOCK)
    return session.scalars(query.order_by(WaveTransition.id.desc()).limit(1)).one()
