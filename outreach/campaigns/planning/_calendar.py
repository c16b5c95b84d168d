"""The calendar of a month: waves, wishes and deadlines of those whom a session sees, and what closes days."""

import calendar
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import exists, select

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.campaigns import segments
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.models import AddedReminder, Campaign, CampaignState, ReminderState, Wave, WaveState
from outreach.campaigns.planning import _sending_hours as sending_hours
from outreach.campaigns.planning._audiences import context_of, planned_of
from outreach.campaigns.planning._blackout_dates import in_force
from outreach.campaigns.planning._schedule import reminder_offsets, wall
from outreach.campaigns.planning._sending_hours import DAY, Closing, moment_of
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS, today


def count_recipients(session: Session, waves: Sequence[Wave], now: datetime) -> dict[int, Mapping[str, int]]:
    """To whom each planned wave would write now, in authorities by network's code; those of one campaign with the same
    audience are counted once.
    """
    found: dict[tuple[int, bool, int | None], Mapping[str, int]] = {}
    for wave in waves:
        key = wave.campaign_id, wave.added_reminder_id is not None, wave.departure
        if key not in found:
            whom, context = planned_of(wave, now=now), context_of(session, wave.campaign, now=now)
            found[key] = segments.written_by_network(session, whom, context)
    return {wave.id: found[wave.campaign_id, wave.added_reminder_id is not None, wave.departure] for wave in waves}


def campaigns_with_waves(session: Session, *, now: datetime) -> Sequence[int]:
    """The numbers of the campaigns with such a wave."""
    among = Wave.id.in_(concerned_waves(session, now=now))
    return session.scalars(select(Wave.campaign_id).where(among).distinct()).all()


def concerned_waves(session: Session, *, now: datetime) -> set[int]:
    """The keys of the waves that concern somebody whom the session sees. In a scope, that is its members.

    One that was cancelled or missed before its recipients were known concerns nobody. Counting a wave to come costs as
    much as counting its audience.
    """
    left = session.scalars(select(Wave.id).where(Wave.mailing_id.is_not(None)))
    coming = session.scalars(select(Wave).where(Wave.mailing_id.is_(None), Wave.state == WaveState.PLANNED)).all()
    counted = count_recipients(session, coming, now)
    return {*left, *(key for key, counts in counted.items() if sum(counts.values()))}


FARTHEST_DEADLINE = timedelta(days=366 + 183)  # as `definitions` allows, and until after the longest closure
FARTHEST_WISH = timedelta(days=3 * 366)  # the last departure's last reminder comes sooner
NEXT_WEEKS = timedelta(weeks=6)  # how far `next_entry` looks
NEVER_LEFT = {WaveState.CANCELLED, WaveState.MISSED}
UNPLANNED = {CampaignState.DRAFT, CampaignState.TO_APPROVE, CampaignState.APPROVED}


class EntryKind(StrEnum):
    """A kind of entry: a wave, one that is requested and not planned yet, or the last day to answer a wave."""

    WAVE = "wave"
    WISH = "wish"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """An entry of a campaign in the calendar; `wave` is the wave's name, `about` the strand's."""

    kind: EntryKind
    at: datetime
    campaign: int
    title: str
    wave: str
    state: WaveState | CampaignState | ReminderState
    about: str


class DatedWave(NamedTuple):
    """A wave: its key, when it leaves, the last day to answer it, its campaign, its name, its strand."""

    key: int
    at: datetime
    answer_by: date
    campaign: int
    title: str
    name: str
    state: WaveState
    strand: int


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day in the weeks of a month.

    On the first day of a run of days closed for the same reason, `until` is the run's last day in the month; on other
    days it is None. A run that goes on into a month starts anew on the 1st, so that each month can be read alone.
    """

    on: date
    is_of_month: bool
    closing: Closing | None
    until: date | None
    entries: Sequence[CalendarEntry]

    @property
    def says_something(self) -> bool:
        """Whether the day has something to show that the day before has not. Beside the month, only entries do."""
        return bool(self.entries) or (self.is_of_month and self.until is not None)


def calendar_weeks(
    session: Session, month: date, only: Collection[int] | None = None, programme: Programme | None = None
) -> list[list[CalendarDay]]:
    """The weeks, Monday first, of the month whose first day is `month`. Five statements, however many campaigns.

    With `only` (keys of waves), no other wave stands in them, and no wish; of a `programme`, or of all.
    """
    rows = calendar.Calendar().monthdatescalendar(month.year, month.month)
    first, last = rows[0][0], rows[-1][-1]
    added = in_force(session)
    closings = {day: sending_hours.closing(day, added) for day in _days(first, last + DAY)}
    entries = defaultdict(list)
    for entry in _entries(session, first, last, only, programme):
        entries[today(entry.at)].append(entry)
    return [
        [
            CalendarDay(
                day, day.month == month.month, closings[day], _run(day, closings), sorted(entries[day], key=_order)
            )
            for day in row
        ]
        for row in rows
    ]


def next_entry(
    session: Session,
    shown: Sequence[Sequence[CalendarDay]],
    only: Collection[int] | None = None,
    programme: Programme | None = None,
) -> CalendarEntry | None:
    """The first wave or wish in the six weeks after those shown, or None; `only` and `programme` as in
    `calendar_weeks`."""
    first = shown[-1][-1].on + DAY
    coming = _entries(session, first, first + NEXT_WEEKS, only, programme)
    sendings = [entry for entry in coming if entry.kind is not EntryKind.DEADLINE and entry.state not in NEVER_LEFT]
    return min(sendings, key=_order, default=None)


def coming_departures(session: Session, now: datetime, programme: Programme | None = None) -> list[DatedWave]:
    """The waves that are planned to leave in the next six weeks, the first one first; of a `programme`, or of all."""
    strands = programme.strand_keys if programme else None
    coming = waves_between(session, today(now), today(now) + NEXT_WEEKS, None)
    planned = (wave for wave in coming if wave.state is WaveState.PLANNED)
    return [wave for wave in planned if strands is None or wave.strand in strands]


def _days(first: date, last: date) -> Iterable[date]:
    return (first + DAY * number for number in range((last - first).days + 1))


def _run(day: date, closings: dict[date, Closing | None]) -> date | None:
    """The last day, within the month, of the run that starts on a day; None when no run starts on it."""
    closed = closings[day]
    if closed is None or (day.day > 1 and closings.get(day - DAY) == closed):
        return None
    end = day
    while (end + DAY).month == day.month and closings.get(end + DAY) == closed:
        end += DAY
    return end


def _entries(
    session: Session, first: date, last: date, only: Collection[int] | None, programme: Programme | None
) -> list[CalendarEntry]:
    """Entries for the waves due between two days, and for the last days to answer that fall between them."""
    names = programmes.strand_names(session)
    if programme is not None:
        names = {strand.id: names[strand.id] for strand in programme.strands}
    entries = [] if only is not None else _wishes(session, first, last, names)
    for wave in waves_between(session, first - FARTHEST_DEADLINE, last, only):
        if wave.strand not in names:
            continue
        told = wave.campaign, wave.title, wave.name, wave.state, names[wave.strand]
        if today(wave.at) >= first:
            entries.append(CalendarEntry(EntryKind.WAVE, wave.at, *told))
        if first <= wave.answer_by <= last and wave.state not in NEVER_LEFT:
            entries.append(CalendarEntry(EntryKind.DEADLINE, _start(wave.answer_by), *told))
    return entries


def waves_between(session: Session, first: date, last: date, only: Collection[int] | None) -> list[DatedWave]:
    """The waves due between two days, cancelled ones too; `only` as in `calendar_weeks`."""
    of_wave = Wave.id, Wave.due_at, Wave.answer_by, Wave.reminder, Wave.departure, Wave.state
    query = select(*of_wave, Campaign.id, Campaign.title, Campaign.strand_id, Campaign.deadline_days)
    query = query.join(Campaign, Campaign.id == Wave.campaign_id).order_by(Wave.due_at, Wave.id)
    query = query.where(Wave.due_at >= _start(first), Wave.due_at < _start(last + DAY))
    if only is not None:
        query = query.where(Wave.id.in_(only))
    found = []
    for key, at, answer_by, reminder, departure, state, campaign, title, strand, days in session.execute(query):
        by, name = answer_by or today(at + timedelta(days=days)), french.wave(reminder, departure)
        found.append(DatedWave(key, at, by, campaign, title, name, state, strand))
    return found


def _wishes(session: Session, first: date, last: date, names: Mapping[int, str]) -> list[CalendarEntry]:
    """Entries for what is requested between two days: waves of campaigns that have none, or only cancelled ones, and
    reminders that were added and wait for their approval. On the requested day: planning may move it."""
    planned = exists().where(Wave.campaign_id == Campaign.id, Wave.state != WaveState.CANCELLED)
    query = select(Campaign).where(
        Campaign.strand_id.in_(list(names)),
        Campaign.state.in_(UNPLANNED),
        Campaign.starts_at >= _start(first - FARTHEST_WISH),
        Campaign.starts_at < _start(last + DAY),
        ~planned,
    )
    wished: list[tuple[datetime, str, Campaign, CampaignState | ReminderState]] = [
        (at, name, one, one.state) for one in session.scalars(query) for at, name in _wished_waves(one)
    ]
    pending = select(AddedReminder, Campaign).join(Campaign, Campaign.id == AddedReminder.campaign_id)
    pending = pending.where(
        AddedReminder.state.in_((ReminderState.DRAFT, ReminderState.TO_APPROVE)),
        AddedReminder.asked_at >= _start(first),
        AddedReminder.asked_at < _start(last + DAY),
        Campaign.strand_id.in_(list(names)),
    )
    wished += [(one.asked_at, "relance ajoutée", campaign, one.state) for one, campaign in session.execute(pending)]
    return [
        CalendarEntry(EntryKind.WISH, at, campaign.id, campaign.title, name, state, names[campaign.strand_id])
        for at, name, campaign, state in wished
        if first <= today(at) <= last
    ]


def _wished_waves(campaign: Campaign) -> Iterable[tuple[datetime, str]]:
    """When the waves of a campaign are requested, with their names."""
    if campaign.starts_at is None:
        return
    start, gap = wall(campaign.starts_at), campaign.departure_gap
    for departure in range(1, DEPARTURES + 1) if gap else [None]:
        left = start + timedelta(days=gap * (departure - 1)) if departure else start
        for reminder, after in enumerate([0, *reminder_offsets(campaign)]):
            at = moment_of(left + timedelta(days=after)).at
            if campaign.stops_on is None or today(at) <= campaign.stops_on:
                yield at, french.wave(reminder, departure)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)


def _order(entry: CalendarEntry) -> tuple[bool, datetime, int, str]:
    return entry.kind is EntryKind.DEADLINE, entry.at, entry.campaign, entry.wave
