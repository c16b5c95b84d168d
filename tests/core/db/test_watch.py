"""A web process whose database is away: it refuses at once, says so once, and goes on by itself."""

import os
import signal
import time

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from outreach.cli.preparation import prepare
from outreach.core.db import Database, silence, time_limit, watch
from outreach.core.db.watch import DatabaseAway, DatabaseFault, Watch
from outreach.core.text.errors import Refused
from outreach.operations import migrations


def ask(database):
    with database.reading() as session:
        return session.scalar(select(1))


def set_version(database, version):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


@pytest.fixture
def told(caplog):
    return lambda: [record.getMessage() for record in caplog.records if record.name == watch.logger.name]


@pytest.fixture
def watched(fresh_url):
    database = Database(fresh_url).watched(migrations.fault_of)
    yield database
    database.dispose()


def test_a_database_of_another_version_is_refused_and_only_an_older_one_asks_for_a_migration(watched, told):
    ask(watched)
    faults = {"0092": DatabaseFault.OLDER, "0029": DatabaseFault.TOO_OLD, "9999": DatabaseFault.NEWER}
    for version, fault in faults.items():
        set_version(watched, version)
        watched.watch._checked_at = watch.NEVER  # five seconds later
        for _ in range(2):
            with pytest.raises(DatabaseAway) as refused:
                ask(watched)
            watched.note_fault(refused.value)
            assert refused.value.fault is fault
    older, *others = told()
    assert "./run migrate" in older
    assert len(others) == 2
    assert not any("./run migrate" in other for other in others)


def test_a_migration_that_would_not_help_is_refused_in_a_sentence(watched):
    set_version(watched, "9999")
    with pytest.raises(Refused, match="ne connaît pas"):
        prepare(watched)


def test_one_line_tells_a_fault_and_one_its_end(told, monkeypatch):
    unreachable = OperationalError("SELECT 1", {}, Exception("connection refused\nand more"))
    found = [None, unreachable, unreachable, None]

    def judge(_engine):
        if found and (fault := found.pop(0)):
            raise fault

    own = Watch(None, judge)
    own.admit()
    own.note(unreachable)
    for _ in range(2):
        with pytest.raises(OperationalError):
            own.admit()
        own.note(unreachable)
    monkeypatch.setattr(watch, "CALM_SECONDS", 0.0)
    own.admit()
    assert told() == ["the database is silent: connection refused", "the database serves again, after 0 s"]


def test_a_silent_server_is_asked_once_a_second_and_serves_again_by_itself(monkeypatch):
    answers, asked = [False, True], []
    own = Watch(None, lambda _engine: None, lambda: asked.append(1) or answers[len(asked) - 1])
    own.fall_silent()
    with pytest.raises(DatabaseAway):
        own.admit()
    assert not asked
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 0.0)
    with pytest.raises(DatabaseAway):
        own.admit()
    own.admit()
    assert len(asked) == 2


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_statement_may_last_as_long_as_the_server_answers_elsewhere(watched, monkeypatch):
    monkeypatch.setattr(silence, "ASK_SECONDS", 0.1)
    ask(watched)
    reach, asked = watched.watch._reach, []
    monkeypatch.setattr(watched.watch, "_reach", lambda: asked.append(1) or reach())
    with watched.writing() as session:
        session.execute(text("SELECT pg_sleep(0.5)"))
    assert asked
    monkeypatch.setattr(watched.watch, "_reach", lambda: False)
    monkeypatch.setattr(watch, "AGAIN_SECONDS", 0.0)
    with pytest.raises(OperationalError, match="no answer in time"), watched.writing() as session:
        session.execute(text("SELECT pg_sleep(20)"))
    with pytest.raises(DatabaseAway):
        ask(watched)


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.timeout(30)
def test_a_page_gives_up_a_connection_that_does_not_end_its_statement(watched, monkeypatch):
    monkeypatch.setattr(silence, "MARGIN_SECONDS", 0.1)
    time_limit.limit(0.2)
    began, frozen = time.monotonic(), None
    try:
        with pytest.raises(OperationalError, match="no answer in time"), watched.reading() as session:
            frozen = session.scalar(select(func.pg_backend_pid()))
            os.kill(frozen, signal.SIGSTOP)
            session.scalar(select(1))
    finally:
        time_limit.limit(None)
        os.kill(frozen, signal.SIGCONT)
    assert time.monotonic() - began < 5
    assert ask(watched) == 1
