"""Looks in the database for what deserves an alert. It reads only."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.alerts.episodes import AlertSighting
from outreach.alerts.models import AlertKind
from outreach.backups import rehearsals
from outreach.campaigns.models import CLOCK, Wave, WaveState, WaveTransition
from outreach.campaigns.paper import guessing
from outreach.campaigns.waves.auto_pause import AUTO_PAUSE
from outreach.db import Session
from outreach.delivery import workers
from outreach.delivery.ledger.outbox import UNSEEN
from outreach.delivery.models import Message, MessageState, is_in
from outreach.delivery.places import Installation, RelayState, Worker
from outreach.delivery.sending import relay_health
from outreach.webhooks.outgoing import targets

DOUBTS_SHOWN = timedelta(days=7)  # then whoever could settle one has decided to leave it
UNTRIED = timedelta(minutes=1)  # after a relay's rest; a letter that waits tries it within seconds
WORKERS_SHOWN = timedelta(days=1)  # then whoever runs the service has decided to do with fewer
LOOKED_AT = {
    AlertKind.RELAY_LOST: None,
    AlertKind.WAVE_PAUSED: None,
    AlertKind.LETTERS_IN_DOUBT: None,
    AlertKind.WORKER_GONE: None,
    AlertKind.CLOCK_SILENT: None,
    AlertKind.PUSH_GIVEN_UP: None,
    AlertKind.CODES_GUESSED: None,
}


def seen(session: Session, worker: str, *, now: datetime) -> list[AlertSighting]:
    """What this worker sees of the kinds in LOOKED_AT. As it looks, its clock is not silent, and it is not gone."""
    return [
        *lost_relays(session, now=now),
        *_paused_waves(session),
        *_doubts(session, now),
        *_gone_workers(session, worker, now),
        *_silent_programs(session, now),
        *_guessed_codes(session, now),
    ]


def lost_relays(session: Session, *, now: datetime) -> list[AlertSighting]:
    """The relays that failed and have accepted no letter since, at any installation: all of them see the same.

    A relay that several installations have lost is one sighting.
    """
    lost: dict[str, datetime] = {}
    for state in relay_health.states(session):
        if _is_lost(state):
            lost[state.name] = min(lost.get(state.name, now), state.alarmed_at or now)
    return [AlertSighting(AlertKind.RELAY_LOST, name, since) for name, since in lost.items()]


def places_without(session: Session, relay: str) -> list[str]:
    """The places of the installations that have lost this relay."""
    return [state.place for state in relay_health.states(session) if state.name == relay and _is_lost(state)]


def some_relay_serves(session: Session, relays: Sequence[str], place: str, *, now: datetime) -> bool:
    """Whether one of these relays takes letters from the installation at `place`, or may.

    One whose rest is long over may: there was no letter to try it.
    """
    here = select(RelayState).where(RelayState.place == place, RelayState.name.in_(relays))
    lost = [state for state in session.scalars(here) if _is_lost(state)]
    may = [state for state in lost if not state.alarmed_at and state.rests_until and state.rests_until < now - UNTRIED]
    return len(lost) < len(relays) or bool(may)


def silent_clock(session: Session, *, now: datetime) -> AlertSighting | None:
    """The clock that has not passed for 30 s, as any process may see it; None before its first pass."""
    passed = workers.last_pass(session)
    if passed is None or not workers.is_late(passed.at, now=now):
        return None
    return AlertSighting(AlertKind.CLOCK_SILENT, "", passed.at)


def broken_off_clock(session: Session, *, now: datetime) -> AlertSighting | None:
    """The clock as a work process finds it when it looks again: silent until now, unless all had stopped in order."""
    silent = silent_clock(session, now=now)
    if silent is None:
        return None
    ran_then = (Worker.started_at <= silent.since) & (Worker.seen_at >= silent.since - UNSEEN)
    is_broken_off = session.scalar(select(Worker.id).where(ran_then, Worker.stopped_at.is_(None)).limit(1))
    return silent if is_broken_off else None


def unproven_restore(session: Session, place: str, *, now: datetime) -> AlertSighting | None:
    """That the newest backup restored well is too old, or that there is none since the first installation.

    For an installation that names a folder of backups.
    """
    proven = rehearsals.last_proven(session)
    first = select(func.min(Installation.confirmed_at))
    from_then = proven.made_at if proven else session.scalar(first)
    since = from_then + rehearsals.PROOF_LASTS if from_then else now
    return AlertSighting(AlertKind.RESTORE_UNPROVEN, place, since) if since < now else None


def _is_lost(state: RelayState) -> bool:
    return state.failures > 0 or state.alarmed_at is not None


def _paused_waves(session: Session) -> Iterator[AlertSighting]:
    """The waves that were paused by the service itself: too many refusals, or an audience that has changed."""
    last = select(func.max(WaveTransition.id)).group_by(WaveTransition.wave_id)
    query = (
        select(Wave.id, WaveTransition.at)
        .join(WaveTransition, WaveTransition.wave_id == Wave.id)
        .where(Wave.state == WaveState.PAUSED, WaveTransition.id.in_(last))
        .where(WaveTransition.state == WaveState.PAUSED, WaveTransition.actor.in_((AUTO_PAUSE, CLOCK)))
    )
    for wave, at in session.execute(query):
        yield AlertSighting(AlertKind.WAVE_PAUSED, str(wave), at)


def _doubts(session: Session, now: datetime) -> Iterator[AlertSighting]:
    query = (
        select(Wave.id, func.min(Message.settled_at))
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .where(is_in(MessageState.IN_DOUBT), Message.settled_at > now - DOUBTS_SHOWN)
        .group_by(Wave.id)
    )
    for wave, since in session.execute(query):
        if since is not None:
            yield AlertSighting(AlertKind.LETTERS_IN_DOUBT, str(wave), since)


def _silent_programs(session: Session, now: datetime) -> Iterator[AlertSighting]:
    """The programs that have taken no event for three days, and are not tried any more."""
    for target in targets.given_up(session, now=now):
        yield AlertSighting(AlertKind.PUSH_GIVEN_UP, str(target.id), target.failing_since or now)


def _guessed_codes(session: Session, now: datetime) -> Iterator[AlertSighting]:
    """That so many wrong codes of letters on paper were typed within an hour."""
    if since := guessing.since(session, now=now):
        yield AlertSighting(AlertKind.CODES_GUESSED, "", since)


def _gone_workers(session: Session, looking: str, now: datetime) -> list[AlertSighting]:
    """The workers that ended without saying so, or hang, and that no other one has replaced since.

    Each worker that started after one was last seen replaces one, even when it has gone in its turn.
    """
    recent = select(Worker).where(Worker.seen_at > now - WORKERS_SHOWN).order_by(Worker.seen_at, Worker.id)
    known = session.scalars(recent).all()
    started = sorted(worker.started_at for worker in known)
    left = []
    for worker in known:
        is_alive = worker.id == looking or worker.seen_at > now - UNSEEN
        if is_alive or worker.stopped_at is not None:
            continue
        replacing = next((at for at in started if at > worker.seen_at), None)
        if replacing is None:
            left.append(AlertSighting(AlertKind.WORKER_GONE, worker.id, worker.seen_at))
        else:
            started.remove(replacing)
    return left
