"""Progress of a campaign: its current wave, the counts of its letters, and its journal."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from outreach import audit, french
from outreach.approvals.models import Decision
from outreach.campaigns import lifecycle
from outreach.campaigns.models import (
    UNDER_WAY,
    Campaign,
    CampaignTransition,
    Exemption,
    ExemptionKind,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.waves import added_reminders, calling_off, exemptions
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.journal import subject_of
from outreach.delivery.ledger.outbox import Tally

MOST_NOTED = 200  # journal lines about letters: a relay that defers everything causes one line a round


@dataclass(frozen=True, slots=True)
class Progress:
    """The current wave and the counts of its letters, all 0 before its start."""

    wave: Wave
    tally: Tally

    @property
    def meant(self) -> int:
        """The number of letters to send, without those withdrawn."""
        return self.tally.intended - self.tally.withdrawn.total()

    @property
    def settled(self) -> int:
        """The number of letters to send that are in a final state."""
        return self.meant - self.tally.pending - self.tally.deferred

    @property
    def is_measured(self) -> bool:
        """Whether progress has a meaning: the wave has a mailing, and was neither cancelled nor missed."""
        return self.wave.mailing_id is not None and self.wave.state in {*UNDER_WAY, WaveState.FINISHED}

    @property
    def percent(self) -> int:
        """How much of the wave is over, in percent, rounded down; 100 only once the wave itself is over."""
        if self.wave.state is WaveState.PLANNED:
            return 0
        if self.wave.state not in UNDER_WAY:
            return 100
        return min(99, 100 * self.settled // self.meant) if self.meant else 0


def has_begun(campaign: Campaign) -> bool:
    """Whether a campaign has a wave that is planned or has a mailing."""
    return any(wave.mailing_id or wave.state is WaveState.PLANNED for wave in campaign.waves)


def wave_of_the_moment(campaign: Campaign) -> Wave | None:
    """The current wave: the last under way, else the last with a mailing, else the first planned, else the last."""
    waves = list(campaign.waves)
    under_way = [wave for wave in waves if wave.state in UNDER_WAY]
    launched = [wave for wave in waves if wave.mailing_id]
    planned = [wave for wave in waves if wave.state is WaveState.PLANNED]
    chosen = under_way[-1:] or launched[-1:] or planned[:1] or waves[-1:]
    return chosen[0] if chosen else None


def of(session: Session, campaign: Campaign) -> Progress | None:
    """The progress of a campaign; None when it has no wave."""
    wave = wave_of_the_moment(campaign)
    if wave is None:
        return None
    if wave.state is WaveState.CANCELLED and not wave.mailing_id:
        wave = _first_planned_with(session, wave)
    counted = outbox.tallies(session, [wave.mailing_id]) if wave.mailing_id else {}
    return Progress(wave, counted.get(wave.mailing_id or 0, Tally()))


def _first_planned_with(session: Session, wave: Wave) -> Wave:
    """The first of the waves that were planned together with this one."""
    is_planning = WaveTransition.state == WaveState.PLANNED
    at = select(WaveTransition.at).where(WaveTransition.wave_id == wave.id, is_planning).scalar_subquery()
    query = select(Wave).join(WaveTransition, WaveTransition.wave_id == Wave.id)
    together = query.where(Wave.campaign_id == wave.campaign_id, is_planning, WaveTransition.at == at)
    return session.scalars(together.order_by(Wave.number).limit(1)).first() or wave


def tallies(session: Session, campaign: Campaign) -> list[tuple[Wave, Tally]]:
    """Every wave of a campaign with the counts of its letters."""
    counted = outbox.tallies(session, campaign.mailing_keys)
    return [(wave, counted.get(wave.mailing_id or 0, Tally())) for wave in campaign.waves]


def mark(campaign: Campaign, progress: Progress, *, now: datetime) -> str:
    """A digest that changes with what a page shows: a state, the wave of the moment, who its recipients are, a count of
    its letters, and a minute before a wave starts."""
    starting = calling_off.starting(campaign, now=now)
    waves = [(wave.number, wave.state.value, bool(wave.mailing and wave.mailing.filled_at)) for wave in campaign.waves]
    shown = [campaign.state.value, waves, starting.number if starting else 0]
    content = [*shown, progress.wave.number, progress.is_measured, progress.tally.as_json()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An event of a campaign or of one of its waves: when, by whom, and a sentence."""

    at: datetime
    actor: str
    sentence: str


def journal(session: Session, campaign: Campaign) -> Sequence[JournalEntry]:
    """Every transition of a campaign and its waves, and the last audit entries on letters, the newest first."""
    moves = [(done.at, 0, done.id, _done("Campagne", done)) for done in lifecycle.history(session, campaign)]
    query = select(WaveTransition, Wave).join(Wave, Wave.id == WaveTransition.wave_id)
    begun = set[int]()
    for move, wave in session.execute(query.where(Wave.campaign_id == campaign.id).order_by(WaveTransition.id)):
        moves.append((move.at, 1, move.id, _of_wave(move, wave.name, goes_on=wave.number in begun)))
        begun |= {wave.number} if move.state is WaveState.RUNNING else set()
    added = added_reminders.history(session, campaign)
    moves += [(done.at, 3, done.id, _done("Relance ajoutée", done)) for done in added]
    calm = [exemption for exemption in exemptions.of(session, campaign) if exemption.kind is ExemptionKind.CALM]
    moves += [(exemption.at, 4, exemption.id, _of_calm(exemption)) for exemption in calm]
    for withdrawal in filter(None, (exemption.withdrawal for exemption in calm)):
        taken_back = "Campagne n’écrit plus aux PO déjà sollicités : la dérogation est retirée."
        entry = JournalEntry(withdrawal.withdrawn_at, withdrawal.withdrawn_by, taken_back)
        moves.append((withdrawal.withdrawn_at, 5, withdrawal.exemption_id, entry))
    waves = {subject_of(wave.mailing_id): wave.name for wave in campaign.waves if wave.mailing_id}
    for noted in audit.latest(session, waves, MOST_NOTED):
        entry = JournalEntry(noted.at, noted.actor, f"{french.initial(waves[noted.subject])} : {noted.told}")
        moves.append((noted.at, 2, noted.id, entry))
    return [entry for *_, entry in sorted(moves, key=lambda dated: dated[:3], reverse=True)]


def _done(what: str, done: Decision | CampaignTransition) -> JournalEntry:
    counted = f" ({done.counted})" if done.counted else ""
    return JournalEntry(done.at, done.actor, f"{what} {done.told}{counted}.")


def _of_calm(exemption: Exemption) -> JournalEntry:
    return JournalEntry(
        exemption.at, exemption.actor, f"Campagne écrit aussi aux PO déjà sollicités : {exemption.reason}."
    )


def _of_wave(move: WaveTransition, name: str, *, goes_on: bool) -> JournalEntry:
    if goes_on and move.state is WaveState.RUNNING:
        told = f": reprise ({move.note})" if move.note else ": reprise"
    else:
        told = move.told
    return JournalEntry(move.at, move.actor, f"{french.initial(name)} {told}.")
