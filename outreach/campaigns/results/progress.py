"""How far a campaign under way has come: its wave of the moment, what became of its letters, what happened to it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from outreach import audit
from outreach.campaigns.models import UNDER_WAY, Campaign, CampaignTransition, Wave, WaveState, WaveTransition
from outreach.campaigns.waves import calling_off
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.journal import subject_of
from outreach.delivery.ledger.outbox import Tally

MOST_NOTED = 200  # lines about letters in a journal: a relay that puts everything off writes one a round


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the wave of the moment stands, with the counts of its letters (none before its start)."""

    wave: Wave
    tally: Tally

    @property
    def meant(self) -> int:
        """The letters to send: those left out are none."""
        return self.tally.intended - self.tally.withdrawn.total()

    @property
    def settled(self) -> int:
        """The letters to send that have come to an end."""
        return self.meant - self.tally.pending - self.tally.deferred

    @property
    def is_measured(self) -> bool:
        """Whether how far it has come means something: it has letters, and was neither called off nor missed."""
        return self.wave.mailing_id is not None and self.wave.state in {*UNDER_WAY, WaveState.FINISHED}

    @property
    def percent(self) -> int:
        """How much of the wave is over: rounded down, and never 100 before the wave itself is."""
        if self.wave.state is WaveState.PLANNED:
            return 0
        if self.wave.state not in UNDER_WAY:
            return 100
        return min(99, 100 * self.settled // self.meant) if self.meant else 0


def has_begun(campaign: Campaign) -> bool:
    """Whether there is something to follow: a wave that is planned, or has letters."""
    return any(wave.mailing_id or wave.state is WaveState.PLANNED for wave in campaign.waves)


def wave_of_the_moment(campaign: Campaign) -> Wave | None:
    """The wave to look at: the last under way, else the last with letters, else the first planned, else the last."""
    waves = list(campaign.waves)
    under_way = [wave for wave in waves if wave.state in UNDER_WAY]
    launched = [wave for wave in waves if wave.mailing_id]
    planned = [wave for wave in waves if wave.state is WaveState.PLANNED]
    chosen = under_way[-1:] or launched[-1:] or planned[:1] or waves[-1:]
    return chosen[0] if chosen else None


def of(session: Session, campaign: Campaign) -> Progress | None:
    """How far a campaign has come; None without a wave."""
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
    counted = outbox.tallies(session, [wave.mailing_id for wave in campaign.waves if wave.mailing_id])
    return [(wave, counted.get(wave.mailing_id or 0, Tally())) for wave in campaign.waves]


def states_mark(campaign: Campaign, *, now: datetime) -> str:
    """A mark that changes when a state does, when a wave's recipients are known, or in the minute before it begins."""
    starting = calling_off.starting(campaign, now=now)
    waves = [(one.number, one.state.value, bool(one.mailing and one.mailing.filled_at)) for one in campaign.waves]
    return _mark([campaign.state.value, waves, starting.number if starting else 0])


def shape_mark(campaign: Campaign, progress: Progress) -> str:
    """A mark that changes when the page shows other things: another wave, its first letters, results."""
    launched = [wave.number for wave in campaign.waves if wave.mailing and wave.mailing.filled_at]
    return _mark([progress.wave.number, progress.is_measured, launched])


def counts_mark(progress: Progress) -> str:
    """A mark that changes when a letter of the wave moves."""
    return _mark([progress.wave.number, progress.tally.as_json()])


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that happened to a campaign or to one of its waves: when, by whom, in a sentence."""

    at: datetime
    actor: str
    sentence: str


def journal(session: Session, campaign: Campaign) -> Sequence[JournalEntry]:
    """Every move of a campaign and of its waves, and the last of what happened to letters, the newest first."""
    own = select(CampaignTransition).where(CampaignTransition.campaign_id == campaign.id)
    moves = [(one.at, 0, one.id, _of_campaign(one)) for one in session.scalars(own)]
    query = select(WaveTransition, Wave.number).join(Wave, Wave.id == WaveTransition.wave_id)
    begun = set[int]()
    for one, number in session.execute(query.where(Wave.campaign_id == campaign.id).order_by(WaveTransition.id)):
        moves.append((one.at, 1, one.id, _of_wave(one, number, goes_on=number in begun)))
        begun |= {number} if one.state is WaveState.RUNNING else set()
    waves = {subject_of(wave.mailing_id): wave.number for wave in campaign.waves if wave.mailing_id}
    for noted in audit.latest(session, waves, MOST_NOTED):
        entry = JournalEntry(noted.at, noted.actor, f"Vague {waves[noted.subject]} : {noted.sentence}")
        moves.append((noted.at, 2, noted.id, entry))
    return [entry for *_, entry in sorted(moves, key=lambda move: move[:3], reverse=True)]


def _of_campaign(one: CampaignTransition) -> JournalEntry:
    counted = f" ({one.authorities} PO)" if one.authorities else ""
    return JournalEntry(one.at, one.actor, f"Campagne {one.note or one.state.label.lower()}{counted}.")


def _of_wave(one: WaveTransition, number: int, *, goes_on: bool) -> JournalEntry:
    if goes_on and one.state is WaveState.RUNNING:
        return JournalEntry(one.at, one.actor, f"Vague {number} : reprise{f' ({one.note})' if one.note else ''}.")
    return JournalEntry(one.at, one.actor, f"Vague {number} {one.told}.")


def _mark(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
