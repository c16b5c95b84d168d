"""What the log of a work process says while its database is away: each step once, without SQL, until it is over."""

import pytest
from sqlalchemy.exc import OperationalError

from outreach.worker import questions
from outreach.worker.mail_room import MailRoom
from outreach.worker.questions import going_on

AWAY = OperationalError("SELECT 1", {"address": "a@b.example"}, Exception("no server\nIs it running?"))


@pytest.fixture(autouse=True)
def well(monkeypatch):
    monkeypatch.setattr(questions, "_failing", {})


def run(error=None):
    with going_on("settling"):
        if error is not None:
            raise error


def test_a_step_that_goes_on_failing_is_said_once_and_so_is_its_end(caplog):
    for error in (AWAY, AWAY, AWAY, None, None):
        run(error)
    assert [record.getMessage() for record in caplog.records] == [
        "settling broke off, the clock will ask again: (builtins.Exception) no server",
        "settling goes on",
    ]


def test_another_fault_is_said_and_the_same_again_after_ten_minutes(caplog, monkeypatch):
    at = [1000.0]
    monkeypatch.setattr(questions.time, "monotonic", lambda: at[0])
    run(AWAY)
    run(ValueError("unreadable"))
    at[0] += questions.SAID_AGAIN_SECONDS
    run(ValueError("unreadable"))
    assert len(caplog.records) == 3


def test_a_delivery_that_the_database_breaks_off_leaves_one_line_and_another_fault_its_place(caplog):
    class Away:
        stop = None

        def deliver(self, _mailing):
            raise self.error

    postman = Away()
    for postman.error in (AWAY, KeyError("a fault of ours")):
        MailRoom(postman, lambda: True).deliver(7)
    assert [record.exc_info is None for record in caplog.records] == [True, False]
    assert "a@b.example" not in caplog.records[0].getMessage()
