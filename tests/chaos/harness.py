"""Workers that can be killed, and the comparison of the ledger with what the relay really took.

A worker is the real work process (its clock, its dispatcher) in a process forked from a warm one. Each start moves the
clock on by half a minute: leases of the dead have ended, and whoever has not been seen is doubted.
"""

import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, select

from outreach.campaigns.models import Campaign
from outreach.campaigns.results import verify_ledger
from outreach.cli.running.work import run_worker
from outreach.core.db import NO_ANSWER, Database
from outreach.core.settings import read
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from tests import factories
from tests.machine import state_of
from tests.nursery import nursery

RECORDING = "recording"  # in the middle of a transaction that writes answers down
PAUSE, PATIENCE_SECONDS = 0.01, 20
SHARE = 10  # a question is asked again after this many times as long as it took: the processors are the workers'
LEFT_BEHIND = timedelta(seconds=31)


def work(environment, stage, nth, signal_number):
    """The body of a worker: when a stage is reached for the nth time it sends itself a signal, or (0) waits there.

    It waits in its dispatcher's thread alone, from the file `waits` to the file `goes`: nothing is locked meanwhile.
    """
    seen = Counter()

    def watch(reached):
        seen[reached] += 1
        if reached == stage and seen[reached] == nth:
            if signal_number:
                # To this very thread: sent to the process, it might go a step further before another thread stops it.
                signal.pthread_kill(threading.get_ident(), signal_number)
            else:
                wait_for_leave(Path(environment["OUTREACH_DATA"]))

    os.dup2(os.open(environment["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    if stage == RECORDING:
        _tell_of_records(watch)
    settings = read(environment)
    database = Database(settings.database)
    run_worker(settings, database, watch)
    database.dispose()


def _tell_of_records(watch):
    usual = outbox.record_outcomes

    def record(session, settled, **more):
        usual(session, settled, **more)
        watch(RECORDING)

    outbox.record_outcomes = record


def wait_for_leave(folder):
    (folder / "waits").touch()
    while not (folder / "goes").exists():
        time.sleep(PAUSE)


@dataclass(frozen=True)
class Reckoning:
    """The ledger held against the relay's log. `unlisted` counts what the one says and the other does not."""

    rows: int
    lost: int
    duplicated: int
    in_doubt: int
    unlisted: int
    breaches: list[str]

    @property
    def broken(self):
        """The promises that were not kept."""
        counts = {"lost": self.lost, "duplicated": self.duplicated, "unlisted": self.unlisted}
        return [name for name, count in counts.items() if count] + self.breaches


class Field:
    """One database, one relay, one campaign, and the workers set loose on it."""

    def __init__(self, database, url, relay, folder, *, recipients, connections=8, offset=timedelta(), **changes):
        self.database, self.relay, self.connections = database, relay, connections
        self.environment = {
            "OUTREACH_DATA": str(folder),
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_SMTP_URL": f"smtp://127.0.0.1:{relay.port}?connections={connections}",
            "OUTREACH_ALLOWED_RECIPIENTS": "@adm.fwb.example",
            "LOG": str(relay.folder / "workers.log"),
        }
        self.folder, self.kills, self.offset, self.started = folder, 0, offset, []
        self._counted, self._read = 0, 0
        factories.gather(database, recipients, now=self.now)
        self.campaign = factories.plan(database, self.now + timedelta(seconds=1), now=self.now, **changes)

    @property
    def now(self):
        return datetime.now(UTC) + self.offset

    def start(self, stage=None, nth=0, signal_number=signal.SIGKILL):
        self.offset += LEFT_BEHIND
        return self.start_beside(stage, nth, signal_number)

    def start_beside(self, stage=None, nth=0, signal_number=signal.SIGKILL, *, ahead=timedelta(), folder=None):
        """Another worker in the same second; by another clock, from another data folder."""
        environment = {**self.environment, "OUTREACH_CLOCK_OFFSET": str((self.offset + ahead).total_seconds())}
        environment["OUTREACH_DATA"] = str(folder or self.folder)
        worker = nursery.Process(target=work, args=(environment, stage, nth, signal_number), daemon=True)
        worker.start()
        self.started.append(worker)
        return worker

    def keep(self, count):
        """Have so many workers at it: those that are, and others beside them."""
        at_work = [worker for worker in self.started if worker.is_alive()]
        if not at_work:
            at_work = [self.start()]
        return [*at_work, *(self.start_beside() for _ in range(count - len(at_work)))]

    def kill(self, worker):
        worker.kill()
        worker.join(20)
        self.kills += 1

    def stop(self, worker):
        worker.terminate()
        worker.join(30)
        assert worker.exitcode == 0, worker.exitcode

    def stop_all(self):
        for worker in self.started:
            if worker.is_alive():
                self.stop(worker)

    def wait_for_death(self, worker, seconds=60):
        worker.join(seconds)
        assert worker.exitcode == -signal.SIGKILL, f"the stage was never reached: {worker.exitcode}"
        self.kills += 1

    def taken(self):
        """How many letters the relay has taken so far."""
        path = self.relay.folder / "accepted.jsonl"
        if path.exists():
            with path.open("rb") as log:
                log.seek(self._read)
                added = log.read()
            self._counted, self._read = self._counted + added.count(b"\n"), self._read + len(added)
        return self._counted

    def happens(self, question, seconds=PATIENCE_SECONDS):
        """Whether it is so within some seconds."""
        end, asked = time.monotonic() + seconds, time.thread_time()
        while not question():
            if time.monotonic() >= end:
                return False
            time.sleep(max(PAUSE, SHARE * (time.thread_time() - asked)))
            asked = time.thread_time()
        return True

    def wait_until(self, question, seconds=90):
        assert self.happens(question, seconds), f"still waiting after {seconds} s: {self.tally().as_json()}"

    def let_leave(self, count, seconds=PATIENCE_SECONDS):
        """Wait until so many more letters were taken, or the wave is over; whether that was within some seconds."""
        before = self.taken()
        return self.happens(lambda: self.taken() - before >= count or self.is_finished(), seconds)

    def fallen(self):
        """How many workers ended that nobody had killed or stopped."""
        return sum(worker.exitcode not in {None, 0, -signal.SIGKILL} for worker in self.started)

    def tally(self):
        with self.database.reading() as session:
            mailings = session.scalars(select(Mailing.id).where(Mailing.purpose != Purpose.STAFF)).all()
            return outbox.tally_mailings(session, mailings)[mailings[0]] if mailings else outbox.Tally()

    def is_finished(self):
        """Whether every wave is over; no, while the database that a fault took away does not answer."""
        with suppress(*NO_ANSWER), self.database.reading() as session:
            waves = session.get_one(Campaign, self.campaign).waves
            return all(wave.state == "finished" for wave in waves)
        return False

    def waits_for_later(self):
        """Whether letters are left, and none of them can leave by the clock as it is."""
        is_queued, now = Message.state == MessageState.QUEUED, self.now
        under_way = exists().where((Message.state == MessageState.HANDING) | is_queued & (Message.due_at <= now))
        with self.database.reading() as session:
            return session.scalar(select(exists().where(is_queued) & ~under_way))

    def finish(self):
        """One more worker, not disturbed, until the wave is over."""
        worker = self.start()
        self.wait_until(self.is_finished)
        self.stop(worker)

    def compare(self):
        """Compare the ledger with the relay's log."""
        taken = Counter(entry["id"].strip("<>").partition("@")[0] for entry in self.relay.accepted)
        with self.database.reading() as session:
            every = session.execute(select(Message, Mailing.purpose).join(Mailing)).all()
            breaches = verify_ledger(session, now=self.now)
            listed = {one.public_id for one in outbox.doubtful_letters(session, session.get_one(Mailing, 1))}
        rows = [row for row, purpose in every if purpose is not Purpose.STAFF]
        for row, purpose in every:
            if purpose is Purpose.STAFF:  # what staff are told of the wave is no letter of it
                del taken[row.public_id]
        by_state = {state: {row.public_id for row in rows if row.state is state} for state in MessageState}
        doubted, accepted = by_state[MessageState.IN_DOUBT], by_state[MessageState.ACCEPTED]
        answered = by_state[MessageState.REFUSED] | by_state[MessageState.EXPIRED] | by_state[MessageState.WITHDRAWN]
        return Reckoning(
            rows=len(rows),
            lost=len({row.public_id for row in rows} - taken.keys() - doubted - answered),
            duplicated=sum(count - 1 for count in taken.values()),
            in_doubt=len(doubted),
            unlisted=len(doubted - listed) + len(taken.keys() - accepted - doubted) + len(accepted - taken.keys()),
            breaches=[breach.rule for breach in breaches],
        )

    def reckon(self, recipients):
        """Nobody lost, nobody written twice, every doubt listed; returns how many letters are in doubt."""
        found = self.compare()
        assert found.broken == []
        assert found.rows == recipients
        assert found.in_doubt <= self.connections * self.kills
        return found.in_doubt

    def clear(self):
        for worker in self.started:
            if worker.is_alive():
                worker.kill()
                worker.join(10)


def is_stopped(worker):
    """Whether a process is frozen."""
    return state_of(worker.pid) == "T"
