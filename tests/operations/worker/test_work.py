"""A work process as it begins: who it is, beside others that begin, and a stop that comes then."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from outreach.cli.running import work
from outreach.core.db import Database
from outreach.delivery import workers
from outreach.delivery.models import Worker
from outreach.operations.worker.process import WorkProcess
from tests.nursery import nursery


def test_the_folder_remembers_who_it_is(tmp_path, now):
    first = workers.read(tmp_path)
    workers.remember(tmp_path, now=now)
    again = workers.read(tmp_path)
    assert (again.identity, again.seen_at) == (first.identity, now)
    assert set(json.loads((tmp_path / "installation").read_text())) == {"identity", "seen_at"}


def test_processes_that_start_and_remember_at_once_agree_on_one_identity(tmp_path, now):
    with ThreadPoolExecutor(16) as many:
        found = list(many.map(lambda _: workers.read(tmp_path).identity, range(64)))
        list(many.map(lambda _: workers.remember(tmp_path, now=now), range(200)))
    assert set(found) == {workers.read(tmp_path).identity}
    assert [path.name for path in tmp_path.iterdir()] == ["installation"]


def test_workers_that_start_at_once_in_a_fresh_database_all_settle_in(database, tmp_path, now):
    here, together = workers.read(tmp_path), threading.Barrier(4)

    def settle_in(_):
        together.wait()
        with database.writing() as session:
            workers.settle_in(session, here, now=now)

    with ThreadPoolExecutor(4) as many:
        list(many.map(settle_in, range(4)))
    with database.reading() as session:
        assert workers.hindrance(session, here) == ""


def test_a_stop_that_comes_while_the_process_begins_is_heard(settings, database):
    database.dispose()
    process = nursery.Process(target=_stopped_as_it_begins, args=(settings,), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    with database.reading() as session:
        assert session.scalars(select(Worker.stopped_at)).one() is not None


def _stopped_as_it_begins(settings):
    class Late(WorkProcess):
        def __init__(self, *arguments):
            os.kill(os.getpid(), signal.SIGTERM)
            super().__init__(*arguments)

    work.WorkProcess = Late
    opened = Database(settings.database)
    work.run_worker(settings, opened)
    opened.dispose()
