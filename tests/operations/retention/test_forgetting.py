"""What is over by time is deleted, in batches between which others write."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import Enum, LargeBinary, func, insert, select

from outreach.access.accounts import SignInAttempt
from outreach.core.db import UtcDateTime, table_of
from outreach.engagement.replies import FormState, SentForm
from outreach.operations.retention import RULES, forget_by_rule
from outreach.operations.retention import _deletion as deletion
from outreach.staff.notifications import StaffNotice
from tests.conftest import NOW

SECOND = timedelta(seconds=1)
DELETING = [row for row in RULES if row.binding.replace is None]
AHEAD = [row for row in RULES if row.binding.ahead]


@contextmanager
def without_parents(database):
    """A transaction in which rows need no rows that they name."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        raw.execute("PRAGMA foreign_keys = OFF" if is_sqlite else "SET session_replication_role = replica")
        yield connection
        connection.commit()
        raw.execute("PRAGMA foreign_keys = ON" if is_sqlite else "SET session_replication_role = origin")


def value(column, number):
    """A value that such a column takes, other for each row."""
    kind = column.type
    if isinstance(kind, Enum):
        return kind.enum_class(kind.enums[0])
    if isinstance(kind, UtcDateTime):
        return NOW
    if isinstance(kind, LargeBinary):
        return number.to_bytes(16)
    return {int: number, str: str(number), bool: False}.get(kind.python_type, NOW.date())


def add(database, row, *moments):
    """Rows of its table that count from these moments, and that the row of retention is about."""
    table = table_of(row.model)
    rows = [
        {column.name: value(column, number) for column in table.columns if not column.nullable}
        | {row.since.key: moment}
        | ({"wave_transition_id": number} if row.model is StaffNotice else {})
        | ({"state": FormState.TO_VERIFY} if row.model is SentForm else {})
        for number, moment in enumerate(moments, 1)
    ]
    with without_parents(database) as connection:
        connection.execute(insert(table), rows)


def moments(database, row):
    with database.reading() as session:
        return session.scalars(select(row.since).order_by(row.since)).all()


def run(database, row, now=NOW):
    return forget_by_rule(database, row, lambda: now, threading.Event())


@pytest.mark.one_example
@pytest.mark.parametrize("row", DELETING, ids=lambda row: row.table)
def test_what_is_over_is_deleted_and_what_is_a_second_younger_stays(database, row):
    add(database, row, NOW - row.period, NOW - row.period + SECOND, NOW)
    assert run(database, row) == 1
    assert moments(database, row) == [NOW - row.period + SECOND, NOW]


@pytest.mark.parametrize("row", AHEAD, ids=lambda row: row.table)
def test_after_the_clock_was_put_back_what_it_said_is_deleted(database, row):
    add(database, row, NOW, NOW + row.period - SECOND, NOW + row.period)
    assert run(database, row) == 1
    assert moments(database, row) == [NOW, NOW + row.period - SECOND]


class Rests(threading.Event):
    """A stop that nobody gives; between the batches, somebody else writes."""

    def __init__(self, database):
        super().__init__()
        self.database, self.left = database, []

    def wait(self, timeout):
        is_sqlite = self.database.engine.dialect.name == "sqlite"
        assert timeout >= (0.1 if is_sqlite else 0.01), "whoever writes on SQLite takes turns with the purge"
        with self.database.writing() as session:
            session.add(SignInAttempt(name=bytes(16), at=NOW))
            self.left.append(session.scalar(select(func.count()).where(SignInAttempt.at < NOW)))
        return False


def test_many_rows_go_in_batches_between_which_others_write(database, monkeypatch):
    monkeypatch.setattr(deletion, "time", SimpleNamespace(monotonic=lambda: 0.0))
    (row,) = [row for row in RULES if row.model is SignInAttempt]
    add(database, row, *[NOW - row.period] * (2 * row.binding.most + 1))
    rests = Rests(database)
    assert forget_by_rule(database, row, lambda: NOW, rests) == 2 * row.binding.most + 1
    assert rests.left == [row.binding.most + 1, 1]
    assert moments(database, row) == [NOW, NOW]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_where_nothing_is_over_nothing_is_written(database, monkeypatch):
    monkeypatch.setattr(database, "writing", None)
    assert [run(database, row) for row in RULES] == [0] * len(RULES)
