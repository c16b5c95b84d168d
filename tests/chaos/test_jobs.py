"""Work processes and the children of jobs, killed at any moment: each job ends once, and leaves nothing half done."""

import os
import random
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from outreach.cli.running import job_child
from outreach.cli.running.work import run_worker
from outreach.core import jobs, tables
from outreach.core.db import Database
from outreach.core.jobs import AskedJob, JobState, JobWork
from outreach.core.jobs._models import JobPiece
from outreach.core.jobs._work import PIECE_BYTES
from outreach.core.settings import read
from outreach.core.text.addresses import judge
from outreach.delivery.models import Suppression, SuppressionReason, SuppressionScope
from outreach.directory.models import Authority, Contact
from outreach.engagement.mailboxes import HEADERS, ContactLists
from outreach.operations.demo import people
from tests.chaos.harness import LEFT_BEHIND
from tests.nursery import nursery

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(600)]
FILE = "/directory/exclusions/export.csv"
AUTHOR = people.person_for("author").email
ROWS, ADDED, PAUSE = 14_000, 1_000, 0.02  # more than two pieces of a file; more than one statement of contacts


def work(environment):
    """The body of a work process."""
    os.environ.update(environment)
    os.dup2(os.open(environment["LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    settings = read()
    database = Database(settings.database)
    run_worker(settings, database)
    database.dispose()


class Office:
    """A database with a large list to save and one to apply, and the work process that is set loose on its jobs."""

    def __init__(self, database, url, folder, chance):
        self.database, self.chance, self.kills, self.offset, self.process = database, chance, 0, timedelta(), None
        self.takes = 0.0  # seconds, the making of a file that nobody disturbs
        self.lists = 0
        self.environment = {
            "OUTREACH_DATA": str(folder),
            "OUTREACH_DATABASE_URL": url,
            "OUTREACH_SENDING": "off",
            "LOG": str(folder / "workers.log"),
        }
        self.settings = read({**self.environment, "LOG": ""})
        with database.writing() as session:
            session.execute(
                insert(Suppression),
                [
                    {
                        "address_key": f"adresse-{number:06}@ecole-fondamentale-libre.example",
                        "reason": SuppressionReason.STAFF,
                        "scope": SuppressionScope.ALL,
                        "created_at": self.now,
                        "created_by": AUTHOR,
                        "detail": "Demande écrite de la direction, classée au dossier du pouvoir organisateur.",
                    }
                    for number in range(ROWS)
                ],
            )

    @property
    def now(self):
        return datetime.now(UTC) + self.offset

    def ask(self, asked):
        with self.database.writing() as session:
            return jobs.ask_job(session, AUTHOR, asked, now=self.now).id

    def start(self):
        self.offset += LEFT_BEHIND
        moved = {**self.environment, "OUTREACH_CLOCK_OFFSET": str(self.offset.total_seconds())}
        self.process = nursery.Process(target=work, args=(moved,), daemon=True)
        self.process.start()

    def job(self, number):
        with self.database.reading() as session:
            found = jobs.job_numbered(session, number)
            session.expunge(found)
            return found

    def until(self, told, seconds=120):
        """Wait for it, for as long again while the child computes: it gives way, and others may use the processor."""
        end, before = time.monotonic() + seconds, None
        while not (found := told()):
            if time.monotonic() > end:
                spent = self.spent()
                assert spent != before, "it never came"
                end, before = time.monotonic() + seconds, spent
            time.sleep(PAUSE)
        return found

    def spent(self):
        """The child under way with the processor time that it has spent, or None."""
        number = self.child()
        try:
            facts = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return number, facts[11:13]

    def child(self):
        """The process of the child under way, or None."""
        with suppress(FileNotFoundError, ProcessLookupError):
            for listed in Path(f"/proc/{self.process.pid}/task").glob("*/children"):  # of each of its threads
                for number in listed.read_text(encoding="ascii").split():
                    if b"job_child" in Path(f"/proc/{number}/cmdline").read_bytes():
                        return int(number)
        return None

    def kill(self, number, *, child):
        """Kill the work process or the child at a random moment of a job, if it comes before its end."""
        if not self.process.is_alive():
            self.start()
        found = self.until(lambda: self.child() or self.job(number).state.is_over)
        time.sleep(self.chance.uniform(0, min(4, 1.5 * self.takes)))  # it begins, then makes the file
        if found is True or self.job(number).state.is_over:
            return
        if child:
            try:
                os.kill(found, signal.SIGKILL)
            except ProcessLookupError:  # it has just ended
                return
            self.until(lambda: self.child() != found)
        else:
            self.process.kill()
            self.process.join(20)
        self.kills += 1

    def finish(self, number):
        if not self.process.is_alive():
            self.start()
        self.until(lambda: self.job(number).state.is_over)

    def close(self):
        if self.process:
            self.process.kill()
            self.process.join(20)

    def sent(self):
        """A contact list that waits, as a request that applies it."""
        self.lists += 1
        kind = ContactLists(lambda text: judge(text, examples=True))
        with self.database.reading() as session:
            fases = session.scalars(select(Authority.fase).order_by(Authority.fase)).all()
        lines = [f"{fases[place % len(fases)]};nouvelle-{self.lists}-{place}@ec.be" for place in range(ADDED)]
        opened = tables.open_import("\n".join(("fase;adresse", *lines)).encode(), HEADERS)
        with self.database.writing() as session:
            received = tables.receive_import(session, kind, opened, now=self.now, actor=AUTHOR, complete=False)
            seen = tables.judge_import(session, kind, received).plan.version
            return AskedJob("Liste", f"/directory/contact-lists/{received.id}/application", "POST", [("version", seen)])


@pytest.fixture
def office(sample_database, sample_url, tmp_path, request):
    seed = request.config.getoption("randomly_seed", default=None) or 7
    made = Office(sample_database, sample_url, tmp_path, random.Random(seed))
    yield made
    made.close()


@pytest.mark.parametrize(
    "kills", [5, pytest.param(50, marks=[pytest.mark.long, pytest.mark.deep, pytest.mark.timeout(3_600)])]
)
def test_kills_at_random_moments_leave_each_job_done_once_and_whole(office, kills):
    undisturbed = office.ask(AskedJob("Exclusions", FILE))
    with office.database.writing() as session:
        _, lease = jobs.claim_job(session, now=office.now)
    began = time.monotonic()
    job_child.do(office.settings, office.database, JobWork(office.database, undisturbed, lease, lambda: office.now))
    office.takes = time.monotonic() - began
    whole = b"".join(jobs.read_pieces(office.database, undisturbed))
    assert len(whole) > 2 * PIECE_BYTES
    office.start()
    while office.kills < kills:
        file = office.ask(AskedJob("Exclusions", FILE))
        office.kill(file, child=True)
        office.kill(file, child=False)
        office.kill(file, child=True)
        office.finish(file)
        done = office.job(file)
        assert (done.state, done.size) == (JobState.DONE, len(whole)), done.said
        assert b"".join(jobs.read_pieces(office.database, file)) == whole
        assert pieces(office, file) == -(-len(whole) // PIECE_BYTES)
        before = contacts(office)
        change = office.ask(office.sent())
        office.kill(change, child=False)
        office.kill(change, child=True)
        office.finish(change)
        assert office.job(change).state is JobState.DONE, office.job(change).said
        assert (contacts(office) - before, pieces(office, change)) == (ADDED, 0)


def pieces(office, number):
    with office.database.reading() as session:
        return session.scalar(select(func.count()).where(JobPiece.job_id == number))


def contacts(office):
    with office.database.reading() as session:
        return session.scalar(select(func.count(Contact.id)))
