"""The work: clocks that pass, processes that send, relays that take letters, letters that wait or are in doubt."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from outreach.campaigns.models import CLOCK, Wave, WaveState, WaveTransition
from outreach.campaigns.waves import AUTO_PAUSE
from outreach.core.db import Session
from outreach.core.text import french
from outreach.delivery import outbox, sending, workers
from outreach.delivery.models import ClockPass, Message, MessageState, RelayState, Worker, is_in
from outreach.delivery.workers import Uncertain
from outreach.operations.alerts import AlertKind
from outreach.operations.health._check import (
    Alarm,
    Examined,
    Finding,
    HealthFigure,
    Named,
    Seen,
    Watched,
    age,
    fault,
    of_place,
    ok,
    warning,
    worst,
)

SEEN = timedelta(days=1)  # a process that ended longer ago without saying so is nobody's concern any more
LATE, LOST = timedelta(minutes=15), timedelta(hours=2)  # a rate may hold letters for minutes
DOUBTS_SHOWN = timedelta(days=7)  # then whoever could settle one has decided to leave it
UNTRIED = timedelta(minutes=1)  # after a relay's rest; a letter that waits tries it within seconds


def clocks_and_workers(examined: Examined) -> Finding:
    """Whether each machine's clock passes, what hinders it, and which processes have vanished."""
    now = examined.settings.instant()
    with examined.database.reading() as session:
        passes = workers.last_passes(session)
        alive = len(workers.at_work(session, now=now))
        vanished = [one.place for one in _known(session, now) if not one.stopped_at and _is_unseen(one, now)]
        findings = [_passing(passed, now) for passed in passes]
    if not findings:
        return fault("Aucun processus d’envoi n’a encore tourné : lancez ./run work.")
    words = french.plural(alive, "processus d’envoi donne signe", "processus d’envoi donnent signe")
    findings.append(ok(f"{french.initial(words)}."))
    if vanished:
        gone = french.plural(len(vanished), "processus a disparu", "processus ont disparu")
        findings.append(warning(f"{gone} depuis hier sans s’arrêter ({', '.join(vanished)}) : voyez son journal."))
    return worst(findings)


def _passing(passed: ClockPass, now: datetime) -> Finding:
    if workers.is_late(passed.at, now=now):
        since = french.moment(passed.at)
        return fault(f"{passed.place} : pas de passage de l’horloge depuis le {since}. Relancez ./run work.")
    if passed.hindrance:
        return fault(f"{passed.place} : {passed.hindrance}")
    return ok(f"{passed.place} envoie.")


def _known(session: Session, now: datetime) -> Sequence[Worker]:
    return session.scalars(select(Worker).where(Worker.seen_at > now - SEEN).order_by(Worker.seen_at, Worker.id)).all()


def _is_unseen(worker: Worker, now: datetime) -> bool:
    return worker.seen_at <= now - workers.CLOCK_IS_LATE


def _gone_workers(session: Session, watched: Watched, now: datetime) -> Seen:
    """The workers that ended without saying so, or hang, and that no other one has replaced since.

    Each worker that started after one was last seen replaces one, even when it has gone in its turn.
    """
    known = _known(session, now)
    started, left = sorted(worker.started_at for worker in known), {}
    for worker in known:
        if worker.id == watched.worker or worker.stopped_at is not None or not _is_unseen(worker, now):
            continue
        if replacing := next((at for at in started if at > worker.seen_at), None):
            started.remove(replacing)
        else:
            left[worker.id] = worker.seen_at
    return left


def _place_of_worker(session: Session, subject: str, _relays: object) -> Named:
    worker = session.get(Worker, subject)
    return [worker.place.rpartition(":")[0]] if worker else [], {}


GONE = Alarm(
    AlertKind.WORKER_GONE,
    "Un processus d’envoi ne donne plus signe ; les autres continuent.",
    "Relancez-le s’il ne revient pas.",
    "Il est revenu, un autre le remplace, ou le service s’en passe depuis un jour.",
    _gone_workers,
    _place_of_worker,
)


def silent_since(session: Session, *, now: datetime) -> datetime | None:
    """When the clock last passed that has not for 30 s, as any process may see it; None before its first pass."""
    passed = workers.last_pass(session)
    return passed.at if passed and workers.is_late(passed.at, now=now) else None


def broken_off_since(session: Session, *, now: datetime) -> datetime | None:
    """The same as a work process finds it when it looks again: silent until now, unless all had stopped in order."""
    since = silent_since(session, now=now)
    if since is None:
        return None
    ran_then = (Worker.started_at <= since) & (Worker.seen_at >= since - workers.CLOCK_IS_LATE)
    return since if session.scalar(select(Worker.id).where(ran_then, Worker.stopped_at.is_(None)).limit(1)) else None


SILENT = Alarm(
    AlertKind.CLOCK_SILENT,
    "Le service d’envoi ne donne plus signe : rien ne part.",
    "Relancez le processus d’envoi (./run work).",
    "Le service d’envoi donne de nouveau signe.",
    lambda _session, _watched, _now: {},  # as a work process looks, its clock is not silent
)


def _copy(session: Session, watched: Watched, now: datetime) -> Seen | None:
    try:
        here = workers.read(watched.settings.data)
    except Uncertain:
        return None
    is_copy = not watched.settings.stays_here and workers.hindrance(session, here)
    return {watched.place: now} if is_copy else {}


UNCONFIRMED = Alarm(
    AlertKind.COPY_UNCONFIRMED,
    "La base a été copiée, déplacée ou restaurée, et personne n’a confirmé cette installation : rien ne part.",
    "Si c’est bien elle qui doit envoyer, lancez ./run instance confirm.",
    "Cette installation est confirmée.",
    _copy,
    of_place,
)


def of_places(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """Figures of each installation, and of the processes that send."""
    passes = workers.last_passes(session)
    ages = {one.place: (now - one.at).total_seconds() for one in passes}
    said = "Since the last pass of an installation's clock, by ours; below 0, its clock is ahead."
    yield HealthFigure("clock_pass_age_seconds", said, ages, ("installation",))
    held = {one.place: float(bool(one.hindrance)) for one in passes}
    yield HealthFigure("hindered", "Whether something keeps letters from leaving there.", held, ("installation",))
    alive = workers.at_work(session, now=now)
    yield HealthFigure("workers", "Processes that send and gave a sign of life within 30 seconds.", len(alive))


def _lost(session: Session) -> list[RelayState]:
    return [state for state in sending.relay_states(session) if _is_lost(state)]


def _is_lost(state: RelayState) -> bool:
    return state.failures > 0 or state.alarmed_at is not None


def _lost_relays(session: Session, _watched: Watched, now: datetime) -> Seen:
    """The relays that failed and have accepted no letter since, at any installation: all of them see the same."""
    lost: Seen = {}
    for state in _lost(session):
        lost[state.name] = min(lost.get(state.name, now), state.alarmed_at or now)
    return lost


def some_relay_serves(session: Session, relays: Sequence[str], place: str, *, now: datetime) -> bool:
    """Whether one of these relays takes letters from the installation at `place`, or may.

    One whose rest is long over may: there was no letter to try it.
    """
    here = select(RelayState).where(RelayState.place == place, RelayState.name.in_(relays))
    lost = [state for state in session.scalars(here) if _is_lost(state)]
    may = [state for state in lost if not state.alarmed_at and state.rests_until and state.rests_until < now - UNTRIED]
    return len(lost) < len(relays) or bool(may)


def _of_relay(session: Session, subject: str, relays: Sequence[str]) -> Named:
    number = f" n° {relays.index(subject) + 1}" if subject in relays and len(relays) > 1 else ""
    return [state.place for state in _lost(session) if state.name == subject], {"number": number}


RELAY_LOST = Alarm(
    AlertKind.RELAY_LOST,
    "Le serveur d’envoi{number} ne prend plus de courriels.",
    "Ils attendent et sont essayés de nouveau. Vérifiez le serveur d’envoi et le réglage OUTREACH_SMTP_URL.",
    "Le serveur d’envoi{number} prend de nouveau les courriels.",
    _lost_relays,
    _of_relay,
)


def of_relays(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """Figures of each relay that ever failed."""
    states, labels = sending.relay_states(session), ("installation", "relay")
    rests = {(one.place, one.name): float(sending.is_held(one, now=now)) for one in states}
    yield HealthFigure("relay_held", "Whether a relay that ever failed rests, or is in alarm.", rests, labels)
    alarms = {(one.place, one.name): float(one.alarmed_at is not None) for one in states}
    yield HealthFigure("relay_alarm", "Whether it waits for a person.", alarms, labels)


def waiting(examined: Examined) -> Finding:
    """How long the oldest letter that is due, of a mailing under way, has waited."""
    now = examined.settings.instant()
    with examined.database.reading() as session:
        count, oldest = outbox.due_in_transit(session, now=now)
    if oldest is None:
        return ok("Aucun courriel dû n’attend.")
    words = f"{french.plural(count, 'courriel dû attend', 'courriels dus attendent')} depuis le {french.moment(oldest)}"
    if now - oldest < LATE:
        return ok(f"{words}.")
    state = fault if now - oldest >= LOST else warning
    return state(f"{words} : voyez le serveur d’envoi et les processus d’envoi ci-dessus, puis ./run relay status.")


def of_letters(session: Session, now: datetime) -> Iterator[HealthFigure]:
    """Figures of the letters on the way."""
    states, due = outbox.by_state(session), outbox.due_in_transit(session, now=now)
    counts = {state.value: float(one.number) for state, one in states.items()}
    yield HealthFigure("letters", "Letters on the way, and those in doubt.", counts, ("state",))
    ages = {state.value: age(one.oldest, now) for state, one in states.items()}
    yield HealthFigure("letters_oldest_seconds", "Age of the oldest; 0 where it is due later.", ages, ("state",))
    yield HealthFigure("letters_due", "Letters that are due, of mailings that nobody holds.", due.number)
    said = "How long the oldest of them has been due."
    yield HealthFigure("letters_due_oldest_seconds", said, age(due.oldest, now))
    ends = {state.value: float(count) for state, count in outbox.recent_states(session, now=now).items()}
    yield HealthFigure("letters_recent", "Letters of the last seven days' mailings.", ends, ("state",))


def _doubts(session: Session, _watched: Watched, now: datetime) -> Seen:
    query = (
        select(Wave.id, func.min(Message.settled_at))
        .join(Message, Message.mailing_id == Wave.mailing_id)
        .where(is_in(MessageState.IN_DOUBT), Message.settled_at > now - DOUBTS_SHOWN)
        .group_by(Wave.id)
    )
    return {str(wave): since for wave, since in session.execute(query) if since is not None}


def _paused_waves(session: Session, _watched: Watched, _now: datetime) -> Seen:
    """The waves that were paused by the service itself: too many refusals, or an audience that has changed."""
    last = select(func.max(WaveTransition.id)).group_by(WaveTransition.wave_id)
    query = (
        select(Wave.id, WaveTransition.at)
        .join(WaveTransition, WaveTransition.wave_id == Wave.id)
        .where(Wave.state == WaveState.PAUSED, WaveTransition.id.in_(last))
        .where(WaveTransition.state == WaveState.PAUSED, WaveTransition.actor.in_((AUTO_PAUSE, CLOCK)))
    )
    return {str(wave): at for wave, at in session.execute(query)}


def _of_wave(session: Session, subject: str, _relays: object) -> Named:
    wave = session.get(Wave, int(subject))
    campaign = f"de la campagne n° {wave.campaign_id}" if wave else "d’une campagne"
    named = f"La {wave.name} {campaign}" if wave else f"Une vague {campaign}"
    return [], {"campaign": campaign, "wave": named}


IN_DOUBT = Alarm(
    AlertKind.LETTERS_IN_DOUBT,
    "Des courriels {campaign} sont en doute : le serveur d’envoi n’a pas dit s’il les a pris.",
    "Faites-les chercher dans le journal du serveur d’envoi, puis renvoyez-les ou laissez-les.",
    "Plus aucun courriel {campaign} n’est en doute depuis moins de sept jours.",
    _doubts,
    _of_wave,
)
PAUSED = Alarm(
    AlertKind.WAVE_PAUSED,
    "{wave} s’est mise en pause d’elle-même.",
    "La page de la campagne dit pourquoi : reprenez la vague, ou annulez ce qui n’est pas parti.",
    "{wave} n’est plus en pause.",
    _paused_waves,
    _of_wave,
    on_pages=True,
)
