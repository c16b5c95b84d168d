"""What reads may take so long and no longer, and the connection is fit for use afterwards."""

import time
from itertools import count
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, text

from outreach.core.db import time_limit
from outreach.core.text.errors import TookTooLong

pytestmark = pytest.mark.postgresql
FOR_LONG = text(
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 30000000) "
    "SELECT count(*) FROM numbers"
)


@pytest.fixture(autouse=True)
def no_limit_afterwards():
    yield
    time_limit.limit(None)


def seconds(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def read_for_long(database):
    with pytest.raises(TookTooLong), database.reading() as session:
        session.execute(FOR_LONG).all()


def test_a_reading_ends_at_its_time_and_the_connection_is_used_again(database):
    time_limit.limit(0.2)
    assert seconds(lambda: read_for_long(database)) < 2
    time_limit.limit(0.2)
    with database.reading() as session:
        assert session.scalar(select(1)) == 1
    assert database.engine.pool.checkedin() == 1


def test_several_readings_share_one_time(database):
    time_limit.limit(0.2)
    read_for_long(database)
    with pytest.raises(TookTooLong), database.reading() as session:
        session.scalar(select(1))


def test_only_the_time_in_the_database_counts(database):
    time_limit.limit(0.3)
    with database.reading() as session:
        session.scalar(select(1))
        time.sleep(0.4)
        assert session.scalar(select(1)) == 1
    with database.reading() as session:
        assert session.scalar(select(1)) == 1


def test_time_with_rows_counts_where_it_is_looked_at(database):
    time_limit.limit(0.3)
    with pytest.raises(TookTooLong), database.reading() as session:
        session.scalar(select(1))
        time_limit.look()
        time.sleep(0.4)
        time_limit.look()
    time_limit.limit(None)
    time_limit.look()


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite"])  # PostgreSQL has sent all rows once a statement is executed
def test_the_time_to_the_first_row_counts_once_while_the_others_are_read(database, monkeypatch):
    """The clock here goes on by one whenever it is looked at: SQLite looks after a number of steps, not of seconds."""
    slow_to_begin = text(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000), "
        "few(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM few WHERE n < 100000) "
        "SELECT (SELECT count(*) FROM numbers), n FROM few"
    )
    looks = count()
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: next(looks)))

    def taken(seconds):
        time_limit.limit(seconds)
        begun = next(looks)
        with database.reading() as session:
            assert len(session.execute(slow_to_begin).all()) == 100_000
        return next(looks) - begun

    assert taken(taken(1000)) > 10


def asks_past_the_time(session, database):
    """Ask for longer than the limit, which must not hold."""
    if database.engine.name == "postgresql":
        return session.execute(select(func.pg_sleep(0.4))).all()
    many = text(str(FOR_LONG).replace("30000000", "1000000"))
    return seconds(lambda: [session.execute(many).all() for _ in range(3)])


def test_what_writes_is_not_limited_on_a_connection_that_was(database):
    time_limit.limit(0.1)
    read_for_long(database)
    with database.writing() as session:
        assert asks_past_the_time(session, database)


def test_a_lifted_limit_holds_again_afterwards(database):
    time_limit.limit(0.1)
    with time_limit.lifted(), database.reading() as session:
        assert asks_past_the_time(session, database)
    read_for_long(database)
    time_limit.limit(None)
    with database.reading() as session:
        assert asks_past_the_time(session, database)
