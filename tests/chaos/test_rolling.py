"""An additive upgrade of two machines, one after the other, while people ask for pages and letters leave.

Two machines serve and send behind nginx, as the documents set it up. A copy of the program with one more revision
migrates the database under load. Each machine is then stopped and started with that program.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from outreach.core.db.watch import DatabaseFault
from outreach.core.settings import ROOT, read
from outreach.delivery import workers
from outreach.delivery.letters import Keys, TokenKind
from outreach.engagement.tracking import TrackingMode
from outreach.engagement.tracking._models import HitCount, Tracker
from outreach.operations import migrations
from tests import factories
from tests.chaos.harness import Field
from tests.cli.processes.test_front import FIRST, SECOND, nginx, trusting
from tests.machine import free_port
from tests.servers.relays import Relays

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.long,
    pytest.mark.deep,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("backend", ["postgresql"]),
    pytest.mark.allow_hosts(["127.0.0.1", FIRST, SECOND]),
]
RECIPIENTS, READERS = 2000, 4
LEFT_OUT_SECONDS = 10  # for how long the documents' nginx leaves out a machine that refused: its fail_timeout
PAUSE_SECONDS = 0.02  # between two requests of a reader, so that readers do not take the processors from others
TOY = '''"""A toy: columns that may stay empty on the tables that are written to most, a table and an index"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import Kind

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None
kind = Kind.{kind}


def upgrade():
    op.add_column("messages", sa.Column("toy_{number}", sa.Text(), nullable=True))
    op.add_column("hit_counts", sa.Column("toy_{number}", sa.Integer(), nullable=False, server_default="7"))
    op.create_table("toys_{number}", sa.Column("id", sa.Integer(), primary_key=True))
    op.create_index("ix_messages_toy_{number}", "messages", ["toy_{number}"])
'''


def release(folder, *kinds):
    """A copy of the program with more revisions, the first one being 9001."""
    for name in ("outreach", "templates", "campaigns"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "wsgi.py", folder)
    before = migrations.known_revisions()[-1]
    for number, kind in enumerate(kinds, 9001):
        written = TOY.format(number=number, before=before, kind=kind)
        (folder / "outreach" / "migrations" / "versions" / f"{number}_toy.py").write_text(written, encoding="utf-8")
        before = str(number)
    return folder


class Machine:
    """One machine: a data folder, an address for its pages, one process that sends."""

    def __init__(self, ground, folder, place):
        self.place, self.running, self.database = place, {}, ground.database
        self.log = ground.relay.folder / f"{place[0]}.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            **ground.environment,
            "OUTREACH_DATA": str(folder),
            "OUTREACH_BIND": f"{place[0]}:{place[1]}",
        }

    def run(self, program, *arguments):
        command = [sys.executable, "-m", "outreach", *arguments]
        return subprocess.run(command, cwd=program, env=self.environment, capture_output=True, text=True, check=False)

    def start(self, program):
        for name in ("web", "work"):
            with self.log.open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", "outreach", name], cwd=program, env=self.environment, stdout=log, stderr=log
                )
        self.wait_until_it_serves_and_sends()

    def wait_until_it_serves_and_sends(self):
        own, end = f"{os.uname().nodename}:{self.running['work'].pid}", time.monotonic() + 60
        while self.health() is None or own not in self.at_work():
            assert time.monotonic() < end, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)

    def at_work(self):
        with self.database.reading() as session:
            return workers.at_work(session, now=datetime.now(UTC))

    def health(self):
        """What the machine says of itself, or None where it does not answer."""
        connection = http.client.HTTPConnection(*self.place, timeout=10)
        with closing(connection), suppress(OSError):
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return json.loads(connection.getresponse().read())
        return None

    def stop(self):
        for process in self.running.values():
            process.terminate()
        ends = {name: process.wait(60) for name, process in self.running.items()}
        self.running = {}
        return ends


class Readers:
    """People who ask for pages and open letters, each request on a connection of its own."""

    def __init__(self, port, opening):
        self.port, self.opening = port, opening
        self.lost, self.answered, self.stop = [], Counter(), threading.Event()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(READERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _ask(self):
        asked = (("GET", "/sign-in"), ("GET", self.opening), ("GET", "/healthz"), ("POST", "/u/nobody"))
        while not self.stop.is_set():
            for method, path in asked:
                try:
                    status = self._status(method, path)
                except (OSError, http.client.HTTPException) as error:
                    status = repr(error)
                if isinstance(status, int) and status < 500:
                    self.answered[path] += 1
                else:
                    self.lost.append((method, path, status))
                time.sleep(PAUSE_SECONDS)

    def _status(self, method, path):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trusting())
        with closing(connection):
            connection.request(method, path, b"x=1" if method == "POST" else None, {"Host": "localhost"})
            answer = connection.getresponse()
            answer.read()
            return answer.status


@pytest.fixture
def machines(database, fresh_url, tmp_path):
    """Two machines on one database, with a relay that takes its time, and a wave that is due."""
    relay = Relays(tmp_path / "sink", "--lint-every", "50")
    relay.script({"stage": "dot", "reply": "accept:slow:0.2:250 2.0.0 taken"})
    keys = {"OUTREACH_SECRET_KEY": factories.DRAWN[0], "OUTREACH_TOKEN_KEYS": factories.DRAWN[1]}
    folders, pages = (tmp_path / "first", tmp_path / "second"), free_port()
    ground = Field(
        database, fresh_url, relay, folders[0], recipients=RECIPIENTS, connections=2, tracking=TrackingMode.AGGREGATE
    )
    ground.environment.update(keys)
    with database.writing() as session:
        for folder in folders:
            workers.confirm(session, workers.read(folder), now=ground.now, actor=factories.AUTHOR)
    both = [Machine(ground, folder, (host, pages)) for folder, host in zip(folders, (FIRST, SECOND), strict=True)]
    yield ground, both
    for machine in both:
        for process in machine.running.values():
            process.kill()
            process.wait()
    relay.stop()


@contextmanager
def asked_for(ground, machines, folder):
    """Have people ask for pages of these machines, behind nginx."""
    ground.wait_until(lambda: ground.taken() > 20)
    with ground.database.reading() as session:
        identity = session.scalars(select(Tracker.public_id)).first()
    keys = Keys(read(machines[0].environment).signing_keys)
    opening = f"/o/{keys.make(TokenKind.OPEN, bytes.fromhex(identity))}.gif"
    with nginx(folder, machines[0].place[1]) as port, Readers(port, opening) as readers:
        yield readers


def opened(database):
    with database.reading() as session:
        return session.scalar(select(func.coalesce(func.sum(HitCount.count), 0)))


def test_machines_taken_one_after_the_other_lose_no_request_and_no_letter(machines, tmp_path):
    ground, (first, second) = machines
    new = release(tmp_path / "new", "ADDITIVE")
    with ExitStack() as stack:
        for machine in (first, second):
            machine.start(ROOT)
        readers = stack.enter_context(asked_for(ground, (first, second), tmp_path))
        before = ground.taken()
        assert json.loads(first.run(new, "migrate", "--plan", "--json").stdout)["kind"] == "additive"

        assert set(first.stop().values()) == {0}
        migrated = first.run(new, "migrate")
        assert migrated.returncode == 0, migrated.stderr
        ground.wait_until(lambda: ground.taken() > before + 100)
        time.sleep(6)  # in which the old program looks at the version of the database once
        assert second.health()["status"] == "ok", "the old program goes on"
        before = ground.taken()
        first.start(new)
        ground.wait_until(lambda: ground.taken() > before + 100)
        time.sleep(LEFT_OUT_SECONDS + 1)

        assert set(second.stop().values()) == {0}
        second.start(ROOT)  # as after a fault: the old program begins with the newer database
        assert second.health()["status"] == "ok"
        assert set(second.stop().values()) == {0}
        second.start(new)
        before = ground.taken()
        ground.wait_until(lambda: ground.taken() > before + 50)
        assert not ground.is_finished(), "the wave ended before the last machine was taken: nothing was proved"
    ground.relay.script({"stage": "dot", "reply": "accept:250 2.0.0 taken"})  # the rest at once
    assert readers.lost == []
    assert min(readers.answered.values()) > 50
    assert opened(ground.database) >= readers.answered[readers.opening]
    ground.wait_until(ground.is_finished, 200)
    assert set(first.stop().values()) == set(second.stop().values()) == {0}
    assert ground.reckon(RECIPIENTS) == 0


def test_a_breaking_upgrade_waits_for_all_to_stop_and_then_shuts_the_old_program_out(machines, tmp_path):
    ground, (first, second) = machines
    broken = release(tmp_path / "broken", "ADDITIVE", "BREAKING")
    for machine in (first, second):
        machine.start(ROOT)
    ground.wait_until(lambda: ground.taken() > 20)
    assert set(first.stop().values()) == {0}
    refused = first.run(broken, "migrate")
    assert (refused.returncode, "tout soit arrêté" in refused.stderr) == (1, True)
    sender = second.running.pop("work")
    sender.terminate()
    assert sender.wait(60) == 0
    assert first.run(broken, "migrate").returncode == 0
    assert migrations.fault_of(ground.database.engine) is DatabaseFault.NEWER
    ground.wait_until(lambda: second.health()["status"] == "unavailable", 20)
    assert second.health()["schema"] == "newer"
    for command in ("web", "work"):
        outcome = first.run(ROOT, command)
        assert (outcome.returncode, "ne peut pas continuer" in outcome.stderr) == (1, True)
    second.stop()
