"""Plans a campaign's waves, and moves them: planned, started, paused, cancelled, with time and actor."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import delete, select

from outreach.access.approvals import Thing
from outreach.adherence import programmes, situation
from outreach.adherence.models import Programme
from outreach.campaigns.experiments import DEPARTURES
from outreach.campaigns.models import (
    CLOCK,
    ON_ITS_WAY,
    WAVE_MOVES,
    Campaign,
    Colour,
    StagedAuthority,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.planning._audiences import broken_off, closed_to, networks_of
from outreach.campaigns.planning._blackout_dates import in_force
from outreach.campaigns.planning._sending_hours import (
    AddedClosure,
    Audiences,
    Opening,
    moment_of,
    moves,
    next_open,
    spelt_moment,
    working_day,
)
from outreach.core import audit
from outreach.core.audit import EventKind, publish_event
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS, today
from outreach.core.text.errors import Refused
from outreach.core.text.french import WITH_WEEKDAY, spelt_day, typeset
from outreach.delivery import outbox
from outreach.delivery.models import Gate, Reason
from outreach.directory.reference import NetworkCode

URGENT = {Colour.RED, Colour.BLUE}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day to answer a wave: the one requested, and the first working day from it on, with why they differ."""

    requested: date
    day: date
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """A planned wave: its number, its days after the first, its instant, how the calendar moved it, its deadline.

    `reminder` is 0 for a first letter. Of departures drawn by lot, it is one within its `departure` (from 1), and
    `after` counts from that departure's day.
    """

    number: int
    after: int
    at: datetime
    opening: Opening
    deadline: Deadline
    reminder: int = 0
    departure: int | None = None

    @property
    def name(self) -> str:
        """The wave in a sentence: "première vague", "relance 1", "relance 1 du départ 2"."""
        return french.wave(self.reminder, self.departure)

    @property
    def move_in_words(self) -> str:
        """How and why the calendar moved the wave, in French, or ''."""
        return moves(self.opening)

    @property
    def deadline_in_words(self) -> str:
        """How and why the calendar moved the deadline, or what closes one that the author chose, in French, or ''."""
        asked, day, why = self.deadline.requested, self.deadline.day, self.deadline.why
        if asked == day:
            closed = (
                f"La date limite, le {spelt_day(day, WITH_WEEKDAY)}, tombe un jour où les bureaux sont fermés : {why}."
            )
            return typeset(closed) if why else ""
        moved = f"du {spelt_day(asked, WITH_WEEKDAY)} au {spelt_day(day, WITH_WEEKDAY)}"
        return typeset(f"La date limite de la {self.name} est déplacée {moved} : {why}.")


def reminder_offsets(campaign: Campaign) -> list[int]:
    """The requested reminders, in days after the first wave."""
    return [int(number) for number in campaign.reminders.split()]


def plan_waves(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    start: datetime | None = None,
    earliest: datetime | None = None,
) -> list[PlannedWave]:
    """The waves of a campaign in order; none while it has no start.

    `start` replaces the campaign's start and is not moved to an open window. A first wave before `earliest` moves to
    the first open time from `earliest` on. A reminder keeps the hour of the first wave. A wave after the campaign's
    last day, or not later than the wave before it, is left out.

    Where departures are drawn by lot, each leaves at the first open time from the gap after the one before, and has its
    own reminders. Departures that have left are planned no more, except for the reminders still to come.
    """
    return ClosingRule.of(session, campaign, now=now).waves(campaign, start=start, earliest=earliest)


def left_out(campaign: Campaign, planned: Sequence[PlannedWave]) -> list[str]:
    """A French sentence for each reminder that a plan leaves out, with the reason."""
    if campaign.starts_at is None:
        return []
    if not planned:
        return ["La première vague tomberait après le dernier jour d’envoi : rien ne partirait."]
    last, told = campaign.stops_on, []
    for first in (wave for wave in planned if not wave.reminder):
        kept = {wave.after for wave in planned if wave.departure == first.departure and wave.reminder}
        of_departure = f" du départ {first.departure}" if first.departure else ""
        told += [
            f"La relance{of_departure} après {after} jours ne part pas : elle tomberait après le dernier jour d’envoi."
            if last and today(first.at + timedelta(days=after)) > last
            else f"La relance{of_departure} après {after} jours se confond avec une autre vague, ou tombe trop tard : "
            "elle ne part pas."
            for after in sorted(set(reminder_offsets(campaign)) - kept)
        ]
    return told


def too_late(planned: Sequence[PlannedWave]) -> list[str]:
    """A French sentence for each wave that would leave after the last day to answer it."""
    return [
        typeset(
            f"La {wave.name} part le {spelt_day(today(wave.at))}, après la date limite de réponse, le "
            f"{spelt_day(wave.deadline.day)} : reculez cette date, ou avancez l’envoi."
        )
        for wave in planned
        if wave.deadline.day < today(wave.at)
    ]


def after_closing(session: Session, campaign: Campaign, planned: Sequence[PlannedWave], now: datetime) -> list[str]:
    """A French sentence on a strand that invites nobody any more, or on each wave that would leave once it has closed.

    A letter to schools that have joined, or one that corrects another, leaves after that day as before.
    """
    strand = campaign.strand
    if closed := closed_to(session, campaign.concerns, strand, today(now)):
        return [situation.closing_in_words(closed)]
    if strand.closed_on is None:
        return []
    whose = programmes.of_programme(programmes.name_among_several(session, strand.programme))
    return [
        typeset(
            f"La {wave.name} part le {spelt_day(today(wave.at))}, et le volet {strand.number}{whose} ferme le "
            f"{spelt_day(strand.closed_on)} : avancez-la, ou retirez-la."
        )
        for wave in planned
        if closed_to(session, campaign.concerns, strand, today(wave.at))
    ]


def like_first(planned: Sequence[PlannedWave]) -> list[PlannedWave]:
    """The waves of the first departure of a plan, which letters are shown for; all where none is drawn."""
    return [wave for wave in planned if wave.departure == planned[0].departure]


def begun_departures(campaign: Campaign) -> dict[int, Wave]:
    """The first letter of each departure that has left whole, or is leaving."""
    firsts = [wave for wave in campaign.waves if wave.departure and not wave.reminder and wave.mailing_id]
    found: dict[int, Wave] = {}
    for wave in firsts:
        if wave.departure and wave.mailing_id not in broken_off(campaign, wave.departure):
            found.setdefault(wave.departure, wave)
    return found


@dataclass(frozen=True, slots=True)
class ClosingRule:
    """What decides when a campaign's letters may leave and until when they ask for an answer: the kinds of its
    recipients, whether it is urgent, how many days it leaves to answer or until which day, and the closures that people
    added."""

    recipients: frozenset[Audiences]
    urgent: bool
    deadline_days: int
    added: tuple[AddedClosure, ...] = ()
    deadline_on: date | None = None

    @classmethod
    def of(cls, session: Session, campaign: Campaign, *, now: datetime) -> "ClosingRule":
        """The rule of a campaign, from the networks of its audience and its colour."""
        networks = networks_of(session, campaign, now=now)
        of_communes = {NetworkCode(network).facts.is_administration for network in networks}
        kinds = {Audiences.ADMINISTRATION if is_so else Audiences.SCHOOL_SIDE for is_so in of_communes}
        is_urgent, added = campaign.colour in URGENT, in_force(session)
        return cls(frozenset(kinds), is_urgent, campaign.deadline_days, added, campaign.deadline_on)

    def waves(
        self,
        campaign: Campaign,
        *,
        start: datetime | None = None,
        earliest: datetime | None = None,
    ) -> list[PlannedWave]:
        """The waves of a campaign under this rule; see `plan_waves`."""
        asked = start or campaign.starts_at
        if asked is None:
            return []
        first = self.exactly(asked) if start else self.first(asked)
        if earliest is not None and first.at < earliest:
            first = self.first(earliest)
        begun = begun_departures(campaign) if campaign.departure_gap else {}
        if not campaign.departure_gap or len(begun) == DEPARTURES:
            waves = _in_time(campaign, [first, *self.reminders(campaign, wall(first.at))])
            return [replace(wave, number=place + 1, reminder=place) for place, wave in enumerate(waves)]
        waves = [
            wave for departure in self._departures(campaign, first, begun) for wave in _in_time(campaign, departure)
        ]
        ordered = sorted(waves, key=lambda wave: (wave.at, wave.reminder > 0, wave.departure or 0))
        return [replace(wave, number=number) for number, wave in enumerate(ordered, start=1)]

    def _departures(
        self, campaign: Campaign, first: PlannedWave, begun: dict[int, Wave]
    ) -> Iterable[list[PlannedWave]]:
        """Each departure with its reminders, of a campaign some of whose departures may have begun."""
        before: datetime | None = None
        for departure in range(1, DEPARTURES + 1):
            if departure in begun:
                before = begun[departure].due_at
                told = [wave for wave in campaign.waves if wave.departure == departure and wave.mailing_id]
                later = self.reminders(campaign, wall(before))
                coming = [wave for wave in later if wave.at >= first.at]
                base = max(wave.reminder for wave in told) + 1
                yield [replace(wave, reminder=base + n, departure=departure) for n, wave in enumerate(coming)]
                continue
            leaves = first if before is None else self.wave(0, campaign.departure_gap, wall(before))
            leaves = replace(first if leaves.at < first.at else leaves, after=0, departure=departure)
            before = leaves.at
            later = self.reminders(campaign, wall(before))
            yield [leaves, *(replace(wave, reminder=n, departure=departure) for n, wave in enumerate(later, start=1))]

    def reminders(self, campaign: Campaign, begun: datetime) -> list[PlannedWave]:
        """The reminders of a first letter that left at a local time in Brussels."""
        return [self.wave(number, after, begun) for number, after in enumerate(reminder_offsets(campaign), start=2)]

    def firsts(self, campaign: Campaign) -> list[PlannedWave]:
        """The first letters of the departures of a draw, as if none had left and any day were in time."""
        if campaign.starts_at is None:
            return []
        return [departure[0] for departure in self._departures(campaign, self.first(campaign.starts_at), {})]

    def deadline(self, at: datetime) -> Deadline:
        """The last day to answer a letter that leaves at an instant: a day on which its recipients' offices are open.

        The day counted from the instant moves to the next such day, as a term that ends on a holiday does. A date that
        the author chose stays, and its closure is said.
        """
        if self.deadline_on is not None:
            _, why = working_day(self.deadline_on, self.recipients, self.added)
            return Deadline(self.deadline_on, self.deadline_on, why)
        asked = today(at + timedelta(days=self.deadline_days))
        return Deadline(asked, *working_day(asked, self.recipients, self.added))

    def closed_by(self, at: datetime) -> str:
        """The names of the added closures that close an instant, in French, or ''."""
        wall = at.astimezone(BRUSSELS)
        theirs = [one for one in self.added if one.concerns(wall.date(), self.recipients, urgent=self.urgent)]
        return ", ".join(dict.fromkeys(one.name for one in theirs if one.covers(wall.time())))

    def standing(self, campaign: Campaign) -> list[PlannedWave]:
        """The waves of a campaign under way that have yet to leave, at the instants at which they are planned."""
        left, found = [wave for wave in campaign.waves if wave.state is not WaveState.CANCELLED], []
        for wave in (wave for wave in left if wave.state is WaveState.PLANNED):
            first = next(one for one in left if one.departure == wave.departure)
            after = (today(wave.due_at) - today(first.due_at)).days if wave.reminder else 0
            at, by, opening = wave.due_at, wave.answer_by, self.exactly(wave.due_at).opening
            until = Deadline(by, by, "") if by else self.deadline(at)
            found.append(PlannedWave(wave.number, after, at, opening, until, wave.reminder, wave.departure))
        return found

    def exactly(self, asked: datetime) -> PlannedWave:
        """The first wave at the requested instant, even when that is closed."""
        wall = asked.astimezone(BRUSSELS).replace(tzinfo=None)
        return PlannedWave(1, 0, asked, Opening(wall, wall), self.deadline(asked))

    def first(self, asked: datetime) -> PlannedWave:
        """The first wave at the first open time from an instant on."""
        return self.wave(1, 0, asked.astimezone(BRUSSELS).replace(tzinfo=None))

    def wave(self, number: int, after: int, begun: datetime) -> PlannedWave:
        """The wave at the first open time from `after` days after `begun`, a local time in Brussels."""
        asked = begun + timedelta(days=after)
        opening = next_open(asked, self.recipients, urgent=self.urgent, added=self.added)
        at = moment_of(opening.wall).at
        return PlannedWave(number, after, at, opening, self.deadline(at))


def wall(at: datetime) -> datetime:
    """An instant as the local time in Brussels, from which later waves are counted."""
    return at.astimezone(BRUSSELS).replace(tzinfo=None)


def _in_time(campaign: Campaign, waves: Sequence[PlannedWave]) -> list[PlannedWave]:
    """Of a first letter and its reminders, what leaves by the campaign's last day, each after the one before."""
    in_time = [wave for wave in waves if campaign.stops_on is None or today(wave.at) <= campaign.stops_on]
    return [wave for place, wave in enumerate(in_time) if not place or wave.at > in_time[place - 1].at]


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
    words = f", {planned.move_in_words}" if planned.move_in_words else ""
    note_wave(session, wave, now, actor, f"planifiée pour le {spelt_moment(planned.at)}{words}")
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
        values = {"campaign": wave.campaign_id, "wave": wave.number, "programme": programme, "strand": strand.number}
        publish_event(session, kind, f"campaign:{wave.campaign_id}", values, at=now)
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
    sentence = f"Campagne « {wave.campaign.title} », {wave.name} : {move.in_words}."
    audit.record_entry(session, now, actor, sentence, Thing.CAMPAIGN.subject(wave.campaign.id))
    session.flush()


def planned_at(session: Session, wave: Wave) -> datetime:
    """When a wave was last planned."""
    query = select(WaveTransition.at).where(WaveTransition.wave_id == wave.id)
    query = query.where(WaveTransition.state == WaveState.PLANNED, WaveTransition.actor != CLOCK)
    return session.scalars(query.order_by(WaveTransition.id.desc()).limit(1)).one()
