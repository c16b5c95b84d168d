"""No word that somebody typed is in a database's error, wherever it is logged, printed or raised again."""

import logging
import sqlite3
import traceback

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError, OperationalError

from outreach.core import audit
from outreach.core.db import Database, bulk, errors, table_of
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.directory.models import Network
from tests.conftest import NOW

TYPED = "mot-que-quelqu-un-a-tape"
NETWORK = {"code": TYPED, "label": TYPED, "position": 99}


def written(error):
    """Everything that a log, a page or a terminal can show of an error, and of those that it came of."""
    whole = "".join(traceback.format_exception(error))
    return f"{whole} {error!r} {error.__cause__!r} {error.__context__!r} {getattr(error, 'orig', '')}"


def clash(session):
    session.execute(insert(Network), NETWORK)
    session.execute(insert(Network), NETWORK)


def clash_of_many(session):
    session.execute(insert(Network), [NETWORK, NETWORK])


def clash_in_words(session):
    """As a statement in which somebody wrote the values and a remark."""
    row = f"('{TYPED}', '{TYPED}', 99)"
    session.execute(
        text(" ".join((f"INSERT INTO /* {TYPED} */ networks (code, label, position) VALUES", row, ",", row)))
    )


def clash_of_copies(session):
    bulk.add_rows(session, table_of(Network), [NETWORK, NETWORK])


def clash_in_a_refusal(session):
    """As a page that shows a form again, with a sentence about what was typed."""
    try:
        judge(TYPED)
    except InputError:
        clash(session)


def no_number(session):
    session.execute(text("INSERT INTO networks (code, label, position) SELECT :code, label, id FROM missing"), NETWORK)


def naive_time(session):
    audit.record_entry(session, NOW.replace(tzinfo=None), TYPED, TYPED)
    session.flush()


@pytest.mark.parametrize(
    "fails",
    [clash, clash_of_many, clash_in_words, clash_of_copies, clash_in_a_refusal, no_number, naive_time],
)
def test_no_typed_word_is_in_an_error_or_in_what_it_came_of(database, fails, caplog):
    with pytest.raises(Exception) as caught, database.writing() as session:  # noqa: PT011 - any, and none may say it
        fails(session)
    logging.getLogger("tests").error("%s", caught.value, exc_info=caught.value)
    assert TYPED not in written(caught.value) + caplog.text


def test_an_error_says_its_class_its_state_its_constraint_and_its_statement(database, backend):
    with pytest.raises(IntegrityError) as caught, database.writing() as session:
        clash(session)
    words = {
        "sqlite": "IntegrityError, SQLITE_CONSTRAINT_UNIQUE, constraint networks.code, statement INSERT networks",
        "postgresql": "UniqueViolation, SQLSTATE 23505, constraint uq_networks_code, statement INSERT networks",
    }
    assert str(caught.value) == str(caught.value.orig) == words[backend]
    with (
        pytest.raises(IntegrityError, match="constraint rows of audit_entries are only added"),
        database.writing() as session,
    ):
        audit.record_entry(session, NOW, "x", TYPED)
        session.flush()
        session.execute(text("DELETE FROM audit_entries"))


def test_a_database_that_cannot_be_reached_says_why(tmp_path, backend):
    url = {
        "sqlite": f"sqlite:///{tmp_path}/none/x.sqlite3",
        "postgresql": "postgresql://nobody:secret@127.0.0.1:1/none",
    }[backend]
    away = Database(url)
    if backend == "sqlite":
        (tmp_path / "none" / "x.sqlite3").unlink()
        (tmp_path / "none").rmdir()
    with pytest.raises(OperationalError) as caught, away.reading() as session:
        session.execute(text("SELECT 1"))
    away.dispose()
    why = {"sqlite": "unable to open database file", "postgresql": "refused"}[backend]
    assert (why in str(caught.value), "secret" in written(caught.value)) == (True, False)


def test_what_the_driver_ignores_is_logged_without_its_row(database, caplog):
    errors.install(database.engine)
    logging.getLogger("psycopg").warning("error ignored in %r: %s", "a pipeline", sqlite3.IntegrityError(TYPED))
    assert "IntegrityError" in caplog.text
    assert TYPED not in caplog.text
