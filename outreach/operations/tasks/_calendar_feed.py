"""A person's calendar for calendar programs (RFC 5545): sendings, deadlines, closed days, calls."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event
from sqlalchemy import func, select

from outreach.access.colleagues import Colleague
from outreach.adherence import programmes
from outreach.campaigns import planning
from outreach.campaigns.models import Wave, WaveState, WaveTransition
from outreach.core.db import Session
from outreach.core.text.dates import BRUSSELS, today
from outreach.operations.tasks._tasks import to_come

PAST, COMING = timedelta(days=92), timedelta(days=400)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event. `key` never changes, `revision` only grows, and `changed_at` is the moment of the last change.

    `at` is the moment it begins, or the first day where it lasts whole days, until `last`. `path` leads to its page.
    """

    key: str
    title: str
    at: datetime | date
    last: date | None = None
    path: str = ""
    revision: int = 0
    changed_at: datetime | None = None
    is_cancelled: bool = False
    is_busy: bool = False


def feed_events(
    session: Session, person: Colleague, *, only: Collection[int] | None = None, now: datetime
) -> list[FeedEvent]:
    """The events of a person's calendar, of the last three months and the coming thirteen. Seven statements.

    With `only` (keys of waves), for a calendar in a scope: no other wave is told, and nobody is to be called back.
    """
    first, last = today(now - PAST), today(now + COMING)
    return [
        *_waves(session, first, last, only),
        *_added_closures(session, first, last, "/administration/closures" if only is None else "/calendar"),
        *_computed_closures(first, last),
        *(_recalls(session, person.email) if only is None else ()),
    ]


def _waves(session: Session, first: date, last: date, only: Collection[int] | None) -> Iterator[FeedEvent]:
    """Each wave with a moment between two days, and the last day to answer it. A cancelled one stays, and says so."""
    names, changes = programmes.strand_names(session), _changes(session, first, last)
    for wave in planning.waves_between(session, first, last, only):
        name = f"{wave.title} – {names[wave.strand]} ({wave.name})"
        path = f"/campaigns/{wave.campaign}" if only is None else "/calendar"
        of_wave = path, *changes.get(wave.key, (0, None)), wave.state in planning.NEVER_LEFT
        yield FeedEvent(f"wave-{wave.key}", f"Envoi : {name}", wave.at, None, *of_wave)
        said = f"Dernier jour pour répondre : {name}"
        yield FeedEvent(f"deadline-{wave.key}", said, wave.answer_by, wave.answer_by, *of_wave)


def _changes(session: Session, first: date, last: date) -> Mapping[int, tuple[int, datetime]]:
    """How often the waves between two days were planned, moved or cancelled, and when last, by their keys."""
    told = WaveTransition.state.in_({WaveState.PLANNED, *planning.NEVER_LEFT})
    query = select(WaveTransition.wave_id, func.count(), func.max(WaveTransition.at)).where(told)
    query = query.join(Wave, Wave.id == WaveTransition.wave_id)
    query = query.where(Wave.due_at >= _start(first), Wave.due_at < _start(last + DAY))
    return {key: (count - 1, at) for key, count, at in session.execute(query.group_by(WaveTransition.wave_id))}


def _added_closures(session: Session, first: date, last: date, path: str) -> Iterator[FeedEvent]:
    for known in planning.blackout_dates_between(session, first, last):
        one, taken_back = known.closure, known.withdrawal
        yield FeedEvent(
            f"closure-{one.id}",
            f"Fermé : {one.name}",
            one.first_on,
            one.last_on,
            path,
            1 if taken_back else 0,
            taken_back.withdrawn_at if taken_back else one.added_at,
            taken_back is not None,
        )


def _computed_closures(first: date, last: date) -> Iterator[FeedEvent]:
    for year in range(planning.school_year_of(first), planning.school_year_of(last) + 1):
        for run in planning.computed_closings(year):
            if run.last >= first and run.first <= last:
                yield FeedEvent(f"closed-{run.first}", f"Fermé : {run.closing.name}", run.first, run.last)


def _recalls(session: Session, owner: str) -> Iterator[FeedEvent]:
    """The days on which the person is to come back to somebody."""
    for task in to_come(session, owner):
        if task.since:
            said = ", ".join(filter(None, (task.title, task.about)))
            yield FeedEvent(task.key, f"À rappeler : {said}", task.since, task.since, task.path, is_busy=True)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), BRUSSELS)


MEDIA_TYPE = "text/calendar"
EPOCH = datetime(2021, 1, 1, tzinfo=UTC)
AGAIN = "PT1H"  # how often a program should ask (RFC 7986, §5.7)


def write_feed(events: Iterable[FeedEvent], address: str) -> bytes:
    """The file. `address` is the service's own: events lead to its pages and are named after its host.

    The same events give the same bytes: the moment of an event's last change stands where a file usually says when it
    was written (`DTSTAMP`).
    """
    calendar = Calendar()
    calendar.add("prodid", "-//outreach//FR")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Campagnes de sensibilisation")
    calendar.add("refresh-interval", AGAIN, parameters={"VALUE": "DURATION"}, encode=False)
    calendar.add("x-published-ttl", AGAIN)
    host = urlsplit(address).hostname or "outreach"
    for event in events:
        calendar.add_component(_event(event, address, host))
    return bytes(calendar.to_ical())


def _event(event: FeedEvent, address: str, host: str) -> Event:
    made = Event()
    made.add("uid", f"{event.key}@{host}")
    made.add("dtstamp", event.changed_at or EPOCH)
    made.add("sequence", event.revision)
    made.add("summary", event.title)
    made.add("dtstart", event.at.astimezone(UTC) if isinstance(event.at, datetime) else event.at)
    if event.last:
        made.add("dtend", event.last + timedelta(days=1))  # the first day after it (RFC 5545, §3.6.1)
    made.add("status", "CANCELLED" if event.is_cancelled else "CONFIRMED")
    made.add("transp", "OPAQUE" if event.is_busy else "TRANSPARENT")
    if event.path:
        made.add("url", f"{address}{event.path}")
    return made
