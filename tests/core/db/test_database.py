import itertools
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from outreach.core import audit, db
from outreach.core.audit import AuditEntry
from outreach.core.db import Base, Database, sqlite
from outreach.operations import migrations
from tests.statements import asked

pytestmark = pytest.mark.postgresql


def test_reading_cannot_write(database, now):
    with pytest.raises(DBAPIError), database.reading() as session:
        audit.record_entry(session, now, "x", "Essai.")
        session.flush()


def test_writing_commits_at_the_end_and_undoes_on_an_exception(database, now):
    with database.writing() as session:
        audit.record_entry(session, now, "x", "Gardé.")
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        audit.record_entry(session, now, "x", "Perdu.")
        session.flush()
        1 / 0  # noqa: B018
    with database.reading() as session:
        assert session.scalars(select(AuditEntry.sentence)).all() == ["Gardé."]


def test_a_reader_sees_one_state_while_another_writes(database, now):
    with database.reading() as reader:
        before = reader.scalar(select(func.count()).select_from(AuditEntry))
        with database.writing() as writer:
            audit.record_entry(writer, now, "x", "Pendant.")
        assert reader.scalar(select(func.count()).select_from(AuditEntry)) == before


def test_times_come_back_in_utc_and_naive_ones_are_refused(database):
    brussels = timezone(timedelta(hours=2))
    with database.writing() as session:
        audit.record_entry(session, datetime(2021, 6, 1, 14, 30, tzinfo=brussels), "x", "Heure.")
    with database.reading() as session:
        found = session.scalars(select(AuditEntry.at)).one()
        assert found.isoformat() == "2021-06-01T12:30:00+00:00"
    with pytest.raises(StatementError), database.writing() as session:
        audit.record_entry(session, datetime(2021, 6, 1), "x", "Sans zone.")


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("rows", [1, 2])
def test_the_server_ends_a_transaction_that_a_frozen_process_leaves_open(database, fresh_url, rows):
    frozen = Database(fresh_url)
    frozen.limit_transactions(1)
    with pytest.raises(DBAPIError, match="Timeout, SQLSTATE 25P0"), frozen.writing() as session:
        added = text("INSERT INTO networks (code, label, position) VALUES (:code, 'x', 9)")
        session.connection().execute(added, [{"code": f"x{number}"} for number in range(rows)])
        time.sleep(1.2)
        session.scalar(select(1))
    frozen.dispose()


@pytest.fixture
def ended_connection(database, fresh_url):
    """The only connection of a database's pool, which the server has ended: the number of its process."""
    with database.reading() as session:
        process = session.scalar(select(func.pg_backend_pid()))
    other = Database(fresh_url)
    with other.writing() as session:
        assert session.scalar(select(func.pg_terminate_backend(process, 2000)))
    other.dispose()
    return process


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_connection_that_the_server_ended_while_it_rested_is_replaced(database, ended_connection, monkeypatch):
    monkeypatch.setattr(db, "RESTED_SECONDS", 0)
    with database.reading() as session:
        assert session.scalar(select(func.pg_backend_pid())) != ended_connection


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_connection_that_was_in_use_just_now_fails_once(database, ended_connection):
    with pytest.raises(OperationalError), database.reading() as session:
        session.scalar(select(1))
    with database.reading() as session:
        assert session.scalar(select(func.pg_backend_pid())) != ended_connection


def test_a_database_of_the_version_before_or_of_none_is_not_current(database, tmp_path):
    migrations.downgrade(database.engine, "-1")
    assert not migrations.is_current(database.engine)
    empty = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    assert not migrations.is_current(empty.engine)
    empty.dispose()


def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path):
    opened = Database(f"sqlite:///{tmp_path / 'sub' / 'x.sqlite3'}")
    with opened.reading() as session:
        values = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]
    opened.dispose()


def test_who_waits_to_write_on_sqlite_tries_all_along_and_as_often_as_who_came_later(tmp_path, monkeypatch):
    """SQLite's own wait of 15 seconds tries every 100 ms in the end; broken off early, it begins again."""
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    first, second, passed = Database(url), Database(url), itertools.count(0.0, 0.5)
    holder = first.connect()
    holder.begin()
    let_go = 20.0
    with monkeypatch.context() as held:

        def now():
            at = next(passed)
            if at == let_go:
                holder.commit()
            return at

        held.setattr(sqlite, "time", SimpleNamespace(monotonic=now))
        with pytest.raises(OperationalError, match="locked"), second.writing() as session:
            session.execute(text("SELECT 1"))
        broken_off = next(passed)
        assert broken_off >= sqlite.PATIENCE_SECONDS, "it goes on trying for as long as SQLite would"
        with second.writing() as session:
            assert session.scalar(text("PRAGMA busy_timeout")) == sqlite.SHORT_MS
        assert next(passed) > let_go, "it has begun once the other had ended"
        with second.reading() as session:
            assert session.scalar(text("PRAGMA busy_timeout")) == sqlite.PATIENCE_SECONDS * 1000
    for opened in (first, second):
        opened.dispose()


@pytest.mark.parametrize(("serves_pages", "held"), [(True, (-500, 32)), (False, (-2000, None))])
def test_a_process_that_serves_pages_holds_little_of_an_sqlite_file(tmp_path, serves_pages, held):
    opened, statements = Database(f"sqlite:///{tmp_path / 'x.sqlite3'}"), []
    if serves_pages:
        opened.watched(lambda _engine: None)
    event.listen(opened.engine, "do_connect", lambda *given: statements.append(given[-1].get("cached_statements")))
    with opened.reading() as session:
        assert (session.scalar(text("PRAGMA cache_size")), *set(statements)) == held
    opened.dispose()


def test_a_session_that_reads_asks_once_and_one_that_writes_each_time(database, now):
    counted = db.once_a_reading(lambda session: session.scalar(select(func.count()).select_from(AuditEntry)))
    with database.reading() as first, asked(database) as seen:
        assert counted(first) == counted(first)
        assert len(seen) == 1
    with database.writing() as session:
        before = counted(session)
        audit.record_entry(session, now, "x", "Essai.")
        session.flush()
        assert counted(session) == before + 1
    with database.reading() as later:
        assert counted(later) == before + 1


def test_every_constraint_has_a_name():
    for table in Base.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name
