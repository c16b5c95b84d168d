"""A kept connection: transactions like any other, by several writers in turn, and none lost after an error."""

import fcntl
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from outreach.core.db.prepared import KeptConnection

pytestmark = pytest.mark.postgresql


@pytest.fixture
def tally(database):
    """Adds to a row in a transaction of a kept connection, and reads it."""
    with database.writing() as session:
        session.execute(text("CREATE TABLE tally (value INTEGER)"))
        session.execute(text("INSERT INTO tally VALUES (0)"))

    def add(kept):
        with kept.writing(database) as connection:
            connection.execute(text("UPDATE tally SET value = value + 1"))

    def value():
        with database.reading() as session:
            return session.scalar(text("SELECT value FROM tally"))

    return add, value


@pytest.fixture
def keep():
    """Makes kept connections, and gives them back in the end."""
    made = []
    yield lambda: made.append(KeptConnection()) or made[-1]
    for kept in made:
        kept.give_back()


def test_what_several_writers_store_in_turn_is_all_there(tally, keep):
    add, value = tally
    threads = [threading.Thread(target=lambda kept: [add(kept) for _ in range(50)], args=(keep(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value() == 150


def test_a_transaction_that_breaks_is_undone_and_keeps_nobody_from_the_next(database, tally, keep):
    add, value = tally
    broken, other = keep(), keep()
    add(broken)
    with pytest.raises(RuntimeError), broken.writing(database) as connection:
        connection.execute(text("UPDATE tally SET value = 99"))
        raise RuntimeError
    add(other)
    add(broken)
    assert value() == 3


def test_a_connection_that_was_closed_with_its_database_is_got_again(database, tally, keep):
    add, value = tally
    kept = keep()
    add(kept)
    database.dispose()
    add(kept)
    assert value() == 2


@pytest.mark.parametrize("backend", ["sqlite"])
def test_on_sqlite_who_writes_holds_the_turn_from_the_first_transaction_on(database, tally, keep):
    file = Path(f"{database.engine.url.database}-turns")

    def is_free():
        with file.open() as turns:
            try:
                fcntl.flock(turns, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    with keep().writing(database):
        assert not is_free()
    assert is_free()


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_file_of_turns_that_cannot_be_opened_costs_no_hit(database, tally, keep, caplog):
    Path(f"{database.engine.url.database}-turns").mkdir()
    add, value = tally
    kept = keep()
    add(kept)
    add(kept)
    assert value() == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_limit_on_transactions_holds_for_a_kept_connection_too(database, tally, keep):
    add, _ = tally
    kept = keep()
    add(kept)
    database.limit_transactions(45)
    with kept.writing(database) as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "45s"
