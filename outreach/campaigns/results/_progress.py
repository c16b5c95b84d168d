"""Progress of a campaign: its current wave, counts and journal; the same as JSON, and in short for lists."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from outreach.access import scopes
from outreach.access.approvals import Decision
from outreach.adherence.models import Strand, Word
from outreach.adherence.situation import joined_schools
from outreach.campaigns import counting, planning
from outreach.campaigns.counting import IS_TRIED, CampaignSchool
from outreach.campaigns.evidence import AUTHORITY
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
from outreach.campaigns.results._actions import Counts, by_network, with_total
from outreach.campaigns.results._figures import campaign_results
from outreach.campaigns.results._openings import are_measured
from outreach.campaigns.segments import Concerns
from outreach.campaigns.waves import (
    Retriable,
    exemptions_of,
    list_retriable,
    pause_warning,
    reminder_history,
    said_of_pause,
    starting_wave,
)
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.db.local_days import brussels_day
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageSubject
from outreach.delivery.outbox import Tally, mailing_subject
from outreach.engagement import tracking
from outreach.engagement.replies import Response
from outreach.engagement.tracking import HAS_LEFT, LEFT_AT

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


def campaign_progress(session: Session, campaign: Campaign) -> Progress | None:
    """The progress of a campaign; None when it has no wave."""
    wave = wave_of_the_moment(campaign)
    if wave is None:
        return None
    if wave.state is WaveState.CANCELLED and not wave.mailing_id:
        wave = _first_planned_with(session, wave)
    counted = outbox.tally_mailings(session, [wave.mailing_id]) if wave.mailing_id else {}
    return Progress(wave, counted.get(wave.mailing_id or 0, Tally()))


def _first_planned_with(session: Session, wave: Wave) -> Wave:
    """The first of the waves that were planned together with this one."""
    is_planning = WaveTransition.state == WaveState.PLANNED
    at = select(WaveTransition.at).where(WaveTransition.wave_id == wave.id, is_planning).scalar_subquery()
    query = select(Wave).join(WaveTransition, WaveTransition.wave_id == Wave.id)
    together = query.where(Wave.campaign_id == wave.campaign_id, is_planning, WaveTransition.at == at)
    return session.scalars(together.order_by(Wave.number).limit(1)).first() or wave


def wave_tallies(session: Session, campaign: Campaign) -> list[tuple[Wave, Tally]]:
    """Every wave of a campaign with the counts of its letters."""
    counted = outbox.tally_mailings(session, campaign.mailing_keys)
    return [(wave, counted.get(wave.mailing_id or 0, Tally())) for wave in campaign.waves]


def progress_digest(campaign: Campaign, progress: Progress, *, now: datetime) -> str:
    """A digest that changes with what a page shows: a state, the wave of the moment, who its recipients are, a count of
    its letters, and a minute before a wave starts."""
    starting = starting_wave(campaign, now=now)
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


def campaign_journal(session: Session, campaign: Campaign) -> Sequence[JournalEntry]:
    """Every transition of a campaign and its waves, and the last audit entries on letters, the newest first."""
    moves = [(done.at, 0, done.id, _done("Campagne", done)) for done in planning.campaign_history(session, campaign)]
    query = select(WaveTransition, Wave).join(Wave, Wave.id == WaveTransition.wave_id)
    begun = set[int]()
    for move, wave in session.execute(query.where(Wave.campaign_id == campaign.id).order_by(WaveTransition.id)):
        moves.append((move.at, 1, move.id, _of_wave(move, wave.name, goes_on=wave.number in begun)))
        begun |= {wave.number} if move.state is WaveState.RUNNING else set()
    added = reminder_history(session, campaign)
    moves += [(done.at, 3, done.id, _done("Relance ajoutée", done)) for done in added]
    calm = [exemption for exemption in exemptions_of(session, campaign) if exemption.kind is ExemptionKind.CALM]
    moves += [(exemption.at, 4, exemption.id, _of_calm(exemption)) for exemption in calm]
    for withdrawal in filter(None, (exemption.withdrawal for exemption in calm)):
        taken_back = "Campagne n’écrit plus aux PO déjà sollicités : la dérogation est retirée."
        entry = JournalEntry(withdrawal.withdrawn_at, withdrawal.withdrawn_by, taken_back)
        moves.append((withdrawal.withdrawn_at, 5, withdrawal.exemption_id, entry))
    waves = {mailing_subject(wave.mailing_id): wave.name for wave in campaign.waves if wave.mailing_id}
    for noted in audit.latest_entries(session, waves, MOST_NOTED):
        entry = JournalEntry(noted.at, noted.actor, f"{french.initial(waves[noted.subject])} : {noted.in_words}")
        moves.append((noted.at, 2, noted.id, entry))
    return [entry for *_, entry in sorted(moves, key=lambda dated: dated[:3], reverse=True)]


def _done(what: str, done: Decision | CampaignTransition) -> JournalEntry:
    counted = f" ({done.counted})" if done.counted else ""
    return JournalEntry(done.at, done.actor, f"{what} {done.in_words}{counted}.")


def _of_calm(exemption: Exemption) -> JournalEntry:
    return JournalEntry(
        exemption.at, exemption.actor, f"Campagne écrit aussi aux PO déjà sollicités : {exemption.reason}."
    )


def _of_wave(move: WaveTransition, name: str, *, goes_on: bool) -> JournalEntry:
    if goes_on and move.state is WaveState.RUNNING:
        told = f": reprise ({move.note})" if move.note else ": reprise"
    else:
        told = move.in_words
    return JournalEntry(move.at, move.actor, f"{french.initial(name)} {told}.")


def campaign_as_json(session: Session, campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Where a campaign stands: state, stage, waves and what became of their letters, numbers, what was measured."""
    again, opens = list_retriable(session, campaign, now=now), are_measured(campaign)
    found = campaign_results(session, campaign, now=now)
    measured = tracking.measured_counts(session, planning.launched_mailings(campaign))
    return {
        "campaign": campaign.id,
        **_about(campaign),
        "state": campaign.state.value,
        "stage": planning.standing_of(session, campaign).stage.value,
        "waves": [
            _wave(session, wave, tally, again.get(wave.number, Retriable()))
            for wave, tally in wave_tallies(session, campaign)
        ],
        "counts": found.counts.as_json(),
        "answers": {answer.value: count for answer, count in found.answers.items() if count},
        "measured": [group.as_json(openings=opens) for group in measured],
    }


def progress_concerning(session: Session, campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Where a campaign stands for whom the session sees: its waves that concern them, counted from what it sees alone.

    Nothing is said of openings, of letters or of answers one by one. Raises NotFound where no wave concerns them, as
    for a campaign that does not exist.
    """
    left = [wave for wave in campaign.waves if wave.mailing_id is not None]
    coming = [wave for wave in campaign.waves if wave.mailing_id is None and wave.state is WaveState.PLANNED]
    came, meant = by_network(session, left, now), planning.count_recipients(session, coming, now)
    values = {wave.id: came[wave.mailing_id or 0] for wave in left}
    values |= {key: {"meant": dict(each)} for key, each in meant.items() if sum(each.values())}
    if not values:
        raise planning.unknown_campaign(campaign.id)
    return {
        "campaign": campaign.id,
        **_about(campaign),
        "counted": scopes.authorities_in_words(scopes.of_session(session)),
        "state": campaign.state.value,
        "stage": planning.standing_of(session, campaign).stage.value,
        "waves": [_counted_letters(wave, values[wave.id]) for wave in campaign.waves if wave.id in values],
        "counts": counting.of_campaign(session, campaign, now=now).as_json(),
        "answers": {},
        "measured": [],
    }


def _about(campaign: Campaign) -> dict[str, Any]:
    """The strand that a campaign is about."""
    return {"programme": campaign.strand.programme.code, "strand": campaign.strand.number}


def _counted_letters(wave: Wave, came: Mapping[str, Counts | None]) -> dict[str, Any]:
    about = {"number": wave.number, "state": wave.state.value, "due_at": wave.due_at.isoformat()}
    return {**about, **{name: with_total(each) for name, each in came.items()}}


def _wave(session: Session, wave: Wave, tally: Tally, again: Retriable) -> dict[str, Any]:
    deferred = outbox.tried_again(session, wave.mailing_id) if wave.mailing_id else None
    return {
        "number": wave.number,
        "state": wave.state.value,
        "due_at": wave.due_at.isoformat(),
        **tally.as_json(),
        "next_try_at": deferred[1].isoformat() if deferred else None,
        "retriable": {"failed": again.failed, "in_doubt": again.doubtful},
        "paused_because": said_of_pause(session, wave),
        "warning": pause_warning(session, wave),
    }


@dataclass(frozen=True, slots=True)
class Overall:
    """How many authorities are recipients, how many answered, and of how many a listed school joined since: None of a
    campaign to who has joined."""

    recipients: int = 0
    answered: int = 0
    joined_since: int | None = 0


def overall_figures(session: Session, campaigns: Sequence[int], *, now: datetime) -> dict[int, Overall]:
    """The numbers of campaigns by their keys, in four statements; a campaign has none that wrote to nobody and that
    nobody answered."""
    rows = session.execute(_letters(campaigns)).all()
    came = {campaign: (sent, answered) for campaign, sent, answered in rows if sent or answered}
    listed = [*session.execute(_joined(campaigns, now)).all(), *session.execute(_posted(campaigns, now)).all()]
    since = {(campaign, school) for campaign, _, school, is_since in listed if is_since}
    pairs = {(campaign, authority) for campaign, authority, school, _ in listed if (campaign, school) in since}
    joined = Counter(campaign for campaign, _ in pairs)
    to_joined = session.scalars(select(Campaign.id).where(Campaign.concerns == Concerns.JOINED)).all()
    joined_since = {**joined, **dict.fromkeys(to_joined)}
    return {key: Overall(*counts, joined_since.get(key, 0)) for key, counts in came.items()}


def _letters(campaigns: Sequence[int]) -> Select[int, int, int]:
    """The authorities to which a letter left, or was tried, and those that answered one."""
    tried, answered = case((IS_TRIED, AUTHORITY)), case((Response.id.is_not(None), AUTHORITY))
    query = select(Wave.campaign_id, func.count(tried.distinct()), func.count(answered.distinct()))
    query = query.join(Message, Message.mailing_id == Wave.mailing_id).where(Wave.campaign_id.in_(campaigns))
    given = and_(Response.message_id == Message.id, Response.is_a_reaction())
    return query.outerjoin(Response, given).group_by(Wave.campaign_id)


def _joined(campaigns: Sequence[int], now: datetime) -> Select[int, int, int, int]:
    """From the schools that have joined to the letters that listed them: most letters list none of these.

    Outer joins, as SQLite would otherwise read every letter of the campaigns and each school that it lists. What meets
    no wave of theirs has no campaign.
    """
    known = joined_schools(select(Strand.id), today(now))
    columns = known.c.school_id, known.c.strand_id, known.c.effective_on
    joined = select(*columns).where(known.c.word == Word.CONFIRMED).subquery("confirmed")
    is_open = and_(Campaign.strand_id == joined.c.strand_id, Campaign.concerns != Concerns.JOINED)
    is_since = joined.c.effective_on >= brussels_day(LEFT_AT)
    return (
        select(Campaign.id, AUTHORITY, joined.c.school_id, case((is_since, 1), else_=0))
        .select_from(joined)
        .outerjoin(MessageSubject, MessageSubject.school_id == joined.c.school_id)
        .outerjoin(Message, and_(Message.id == MessageSubject.message_id, HAS_LEFT))
        .outerjoin(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(Wave, and_(Wave.mailing_id == Mailing.id, Wave.campaign_id.in_(campaigns)))
        .outerjoin(Campaign, and_(Campaign.id == Wave.campaign_id, is_open))
        .where(Campaign.id.is_not(None))
        .distinct()
    )


def _posted(campaigns: Sequence[int], now: datetime) -> Select[int, int, int, int]:
    """As `_joined`, of letters on paper."""
    letters = (
        counting.posted_schools()
        .add_columns(CampaignSchool.campaign_id)
        .where(CampaignSchool.campaign_id.in_(campaigns))
    )
    each = letters.subquery("posted")
    known = joined_schools(select(Campaign.strand_id).where(Campaign.id.in_(campaigns)), today(now))
    same = and_(known.c.school_id == each.c.school_id, known.c.strand_id == Campaign.strand_id)
    is_since = case((known.c.effective_on >= each.c[2], 1), else_=0)
    pairs = each.c.campaign_id, each.c.authority_id, each.c.school_id
    query = select(*pairs, is_since).join(Campaign, Campaign.id == each.c.campaign_id)
    is_open = known.c.word == Word.CONFIRMED, Campaign.concerns != Concerns.JOINED
    return query.join(known, same).where(*is_open).distinct()
