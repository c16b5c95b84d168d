"""Planned waves that fall into a closure added since: named, and moved by who planned them, or by an approver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import select

from outreach.campaigns.models import CLOCK, Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.schedule import departing, wave_moves
from outreach.campaigns.schedule.closures import Closure
from outreach.campaigns.schedule.moments import refuse_far_away, spelt_moment
from outreach.campaigns.schedule.planning import ClosingRule, PlannedWave
from outreach.campaigns.waves import exemptions
from outreach.days import BRUSSELS
from outreach.db import Session
from outreach.errors import Refused


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


def waves_within(session: Session, closure: Closure, *, now: datetime) -> list[ClosedWave]:
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


def planners(session: Session, wave: Wave) -> Sequence[str]:
    """Who planned a wave, or moved it since."""
    query = select(WaveTransition.actor).where(
        WaveTransition.wave_id == wave.id,
        WaveTransition.state == WaveState.PLANNED,
        WaveTransition.actor != CLOCK,
    )
    return session.scalars(query.order_by(WaveTransition.id)).all()


def move(
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
    if not may_approve and actor not in planners(session, wave):
        raise Refused("Déplacer cette vague revient à la personne qui l’a planifiée, ou à une personne qui valide.")
    if closed.to.at != to:
        raise Refused("Le calendrier a changé entre-temps : regardez à nouveau où la vague irait.")
    refuse_far_away(to, now)
    exemptions.refuse_out_of_order(campaign, wave, to)
    wave_moves.set_due(wave, closed.to)
    wave_moves.note_wave(session, wave, now, actor, f"planifiée pour le {spelt_moment(to)}, déplacée : {closed.name}")
    departing.follow(session, wave, to, now=now, actor=actor, because=closed.name)
    return wave
