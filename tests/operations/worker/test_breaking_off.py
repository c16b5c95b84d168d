"""What the log of a work process says while its database is away, or a step fails: one line, until it is over."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from outreach.core.db import Database, watch
from outreach.operations.worker import resilience
from outreach.operations.worker.mail_room import MailRoom
from outreach.operations.worker.resilience import going_on

FAULT = OperationalError("SELECT 1", {"address": "a@b.example"}, Exception("no room\nIs it full?"))


@pytest.fixture(autouse=True)
def well(monkeypatch):
    monkeypatch.setattr(resilience, "_failing", {})


@pytest.fixture
def away():
    """A database that takes no connection."""
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    yield database
    database.dispose()


def run(error=None):
    with going_on("settling", None):
        if error is not None:
            raise error


def test_a_step_that_goes_on_failing_is_said_once_and_so_is_its_end(caplog):
    for error in (FAULT, FAULT, FAULT, None, None):
        run(error)
    began, over = (record.getMessage() for record in caplog.records)
    assert began.startswith("settling broke off, the clock will ask again: OperationalError at ")
    assert "no room" not in began, "what an error says may be what somebody typed"
    assert over == "settling goes on"


def test_another_fault_is_said_and_the_same_again_after_ten_minutes(caplog, monkeypatch):
    at = [1000.0]
    monkeypatch.setattr(resilience.time, "monotonic", lambda: at[0])
    run(FAULT)
    run(ValueError("unreadable"))
    at[0] += resilience.SAID_AGAIN_SECONDS
    run(ValueError("unreadable"))
    assert len(caplog.records) == 3


class Dispatcher:
    """Does with each mailing what it is made with."""

    stop = None

    def __init__(self, deliver):
        self.deliver = deliver


def fail(error):
    raise error


def test_a_delivery_that_the_database_breaks_off_leaves_one_line_and_another_fault_its_place(caplog):
    for error in (FAULT, FAULT, KeyError("a fault of ours")):
        MailRoom(Dispatcher(lambda _mailing, error=error: fail(error)), None, lambda: True).deliver(7)
    assert [record.exc_info is None for record in caplog.records] == [True, False]
    assert "a@b.example" not in caplog.records[0].getMessage()


def test_a_database_that_is_away_is_one_line_however_many_mailings_and_steps_meet_it(away, caplog, monkeypatch):
    def ask(_mailing=None):
        with away.reading() as session:
            session.connection()

    room = MailRoom(Dispatcher(ask), away, lambda: True)
    for mailing in range(50):
        room.deliver(mailing)
        with going_on(f"step {mailing}", away):
            ask()
    away.note_answer()
    assert len(caplog.records) == 1, "right after a fault nobody knows that it is over"
    monkeypatch.setattr(watch, "CALM_SECONDS", 0.0)
    away.note_answer()
    away.note_answer()
    began, over = (record.getMessage() for record in caplog.records)
    assert began.startswith("the database is silent: OperationalError, connection failed")
    assert over.startswith("the database serves again, after ")


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_restart_of_the_database_is_one_line_for_every_connection_that_it_ends(database, fresh_url, caplog):
    def ask(_mailing):
        with database.reading() as session:
            process = session.scalar(text("SELECT pg_backend_pid()"))
            with other.writing() as ending:
                ending.scalar(text("SELECT pg_terminate_backend(:process, 2000)"), {"process": process})
            session.scalar(text("SELECT 1"))

    other = Database(fresh_url)
    room = MailRoom(Dispatcher(ask), database, lambda: True)
    for mailing in range(5):
        room.deliver(mailing)
    other.dispose()
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("outreach")]
    assert "AdminShutdown, SQLSTATE 57P01" in line


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_statement_that_the_server_refuses_is_no_database_that_is_away(database):
    with pytest.raises(OperationalError) as refused, database.writing() as session:
        session.execute(text("SET LOCAL statement_timeout = 10"))
        session.execute(text("SELECT pg_sleep(5)"))
    assert not watch.is_away(refused.value)
