"""Looks at the work: whether clocks pass and processes send, and how long letters that are due have waited."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from outreach import french
from outreach.db import Session
from outreach.delivery import workers
from outreach.delivery.ledger import on_the_way
from outreach.delivery.places import ClockPass, Worker
from outreach.doctor.findings import Examined, Finding, fault, ok, warning, worst

SEEN = timedelta(days=1)  # a process that ended longer ago without saying so is nobody's concern any more
LATE, LOST = timedelta(minutes=15), timedelta(hours=2)  # a rate by domain may hold letters for minutes


def clocks_and_workers(examined: Examined) -> Finding:
    """Whether each machine's clock passes, what hinders it, and which processes have vanished."""
    now = examined.settings.instant()
    with examined.database.reading() as session:
        passes = workers.last_passes(session)
        alive, vanished = len(workers.at_work(session, now=now)), _vanished(session, now)
        findings = [_passing(passed, now) for passed in passes]
    if not findings:
        return fault("Aucun processus d’envoi n’a encore tourné : lancez ./run work.")
    told = french.plural(alive, "processus d’envoi donne signe", "processus d’envoi donnent signe")
    findings.append(ok(f"{french.initial(told)}."))
    if vanished:
        gone = french.plural(len(vanished), "processus a disparu", "processus ont disparu")
        findings.append(warning(f"{gone} depuis hier sans s’arrêter ({', '.join(vanished)}) : voyez son journal."))
    return worst(findings)


def _vanished(session: Session, now: datetime) -> Sequence[str]:
    """The places of the workers that ended without saying so since yesterday."""
    was_seen = Worker.seen_at > now - SEEN, Worker.seen_at <= now - workers.CLOCK_IS_LATE
    return session.scalars(select(Worker.place).where(*was_seen, Worker.stopped_at.is_(None))).all()


def _passing(passed: ClockPass, now: datetime) -> Finding:
    if workers.is_late(passed.at, now=now):
        since = french.moment(passed.at)
        return fault(f"{passed.place} : pas de passage de l’horloge depuis le {since}. Relancez ./run work.")
    if passed.hindrance:
        return fault(f"{passed.place} : {passed.hindrance}")
    return ok(f"{passed.place} envoie.")


def waiting(examined: Examined) -> Finding:
    """How long the oldest letter that is due, of a mailing under way, has waited."""
    now = examined.settings.instant()
    with examined.database.reading() as session:
        count, oldest = on_the_way.due(session, now=now)
    if oldest is None:
        return ok("Aucun courriel dû n’attend.")
    told = f"{french.plural(count, 'courriel dû attend', 'courriels dus attendent')} depuis le {french.moment(oldest)}"
    if now - oldest < LATE:
        return ok(f"{told}.")
    state = fault if now - oldest >= LOST else warning
    return state(f"{told} : voyez le serveur d’envoi et les processus d’envoi ci-dessus, puis ./run relay status.")
