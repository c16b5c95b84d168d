"""Reads from the database what a monitor should know. Each figure is one short statement, whatever has piled up."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from outreach.alerts import episodes
from outreach.alerts.models import AlertKind
from outreach.audit import seals
from outreach.backups import rehearsals
from outreach.db import Session
from outreach.delivery import workers
from outreach.delivery.ledger import on_the_way
from outreach.delivery.sending import relay_health
from outreach.measuring import hits
from outreach.responses import trays
from outreach.responses.kinds import Tray


class Figure(NamedTuple):
    """A figure: its name without `outreach_`, what it says, its labels' names, its values by their labels.

    One that only grows, or begins anew, is a counter.
    """

    name: str
    said: str
    labels: tuple[str, ...]
    values: Iterable[tuple[tuple[str, ...], float]]
    is_counter: bool = False


def of_database(session: Session, *, now: datetime) -> Iterator[Figure]:
    """All figures that the database has, at this instant."""
    yield from _letters(session, now)
    yield from _places(session, now)
    yield from _answers(session, now)
    counted = [((kind,), float(count)) for kind, count in hits.this_hour(session, now=now).items()]
    yield Figure(
        "hits", "Openings and clicks since the hour began; it begins anew each hour.", ("kind",), counted, True
    )
    known = [episode.kind for episode in episodes.going_on(session)]
    alerts = [((kind.value,), float(known.count(kind))) for kind in AlertKind]
    yield Figure("alerts_open", "Alerts that have begun and not ended.", ("kind",), alerts)
    if (proven := rehearsals.last_proven(session)) is not None:
        yield _one("restore_age_seconds", "Since a backup was last restored well.", _age(proven.at, now))
    count, oldest = seals.unsealed(session)
    yield _one("audit_unsealed", "Entries of the audit without a seal.", count)
    yield _one("audit_unsealed_oldest_seconds", "Age of the oldest of them.", _age(oldest, now))


def _letters(session: Session, now: datetime) -> Iterator[Figure]:
    states = on_the_way.by_state(session)
    counts = [((state.value,), float(one.number)) for state, one in states.items()]
    yield Figure("letters", "Letters on the way, and those in doubt.", ("state",), counts)
    ages = [((state.value,), _age(one.oldest, now)) for state, one in states.items()]
    yield Figure("letters_oldest_seconds", "Age of the oldest; 0 where it is due later.", ("state",), ages)
    due = on_the_way.due(session, now=now)
    yield _one("letters_due", "Letters that are due, of mailings that nobody holds.", due.number)
    yield _one("letters_due_oldest_seconds", "How long the oldest of them has been due.", _age(due.oldest, now))
    ends = [((state.value,), float(count)) for state, count in on_the_way.recent(session, now=now).items()]
    yield Figure("letters_recent", "Letters of the last seven days' mailings.", ("state",), ends)


def _places(session: Session, now: datetime) -> Iterator[Figure]:
    passes = workers.last_passes(session)
    ages = [((one.place,), (now - one.at).total_seconds()) for one in passes]
    said = "Since the last pass of an installation's clock, by ours; below 0, its clock is ahead."
    yield Figure("clock_pass_age_seconds", said, ("installation",), ages)
    held = [((one.place,), float(bool(one.hindrance))) for one in passes]
    yield Figure("hindered", "Whether something keeps letters from leaving there.", ("installation",), held)
    states = relay_health.states(session)
    rests = [((one.place, one.name), float(relay_health.is_held(one, now=now))) for one in states]
    labels = ("installation", "relay")
    yield Figure("relay_held", "Whether a relay that ever failed rests, or is in alarm.", labels, rests)
    alarms = [((one.place, one.name), float(one.alarmed_at is not None)) for one in states]
    yield Figure("relay_alarm", "Whether it waits for a person.", labels, alarms)
    alive = workers.at_work(session, now=now)
    yield _one("workers", "Processes that send and gave a sign of life within 30 seconds.", len(alive))


def _answers(session: Session, now: datetime) -> Iterator[Figure]:
    waiting = {tray: count for tray, count in trays.counts(session).items() if tray is not Tray.HANDLED}
    counts = [((tray.value,), float(count)) for tray, count in waiting.items()]
    yield Figure("responses_waiting", "Responses that wait for staff.", ("tray",), counts)
    oldest = _age(trays.oldest(session), now)
    yield _one("responses_waiting_oldest_seconds", "Age of the oldest of them.", oldest)


def _one(name: str, said: str, value: float) -> Figure:
    return Figure(name, said, (), [((), float(value))])


def _age(at: datetime | None, now: datetime) -> float:
    return max((now - at) / timedelta(seconds=1), 0.0) if at is not None else 0.0
