"""A relay that is slow and moody: what it owes an answer to holds up nothing else."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core.text.french import WIDE
from outreach.delivery import workers
from outreach.delivery.models import MessageState as S
from outreach.delivery.models import RelayState
from outreach.delivery.smtp import State
from outreach.delivery.smtp import _pool as pool
from outreach.delivery.smtp._connection import Timeouts
from outreach.delivery.smtp._pool import LEAST_SECONDS, OVERDUE_FOR_ONE, Lateness
from tests.conftest import NOW
from tests.delivery.conftest import addresses, attend_until, deliver_until, mail_to, states


@pytest.fixture
def soon_overdue(monkeypatch):
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(pool, "LEAST_SECONDS", 0.2)


def never_answered(count):
    return {"stage": "dot", "reply": "accept:held:250 2.0.0 at last", "times": count}


@pytest.mark.usefixtures("soon_overdue")
def test_dots_that_are_not_answered_stand_outside_the_width_within_a_bound(database, relay, dispatcher):
    sink = relay()
    sink.script(never_answered(OVERDUE_FOR_ONE))
    mailing, worker = mail_to(database, addresses(20)), dispatcher(sink, connections=1, patient=False)
    deliver_until(worker, mailing, lambda: len(sink.accepted) == 20)
    attend_until(worker, lambda: worker.pool.count(State.VERDICT) == worker.pool.outside == OVERDUE_FOR_ONE)
    assert worker.pool.width <= 1
    with database.writing() as session:
        workers.give_sign(session, worker.writer.worker_id, now=NOW, overdue=worker.pool.longest_overdue())
        (owed,) = workers.waiting(session, now=NOW)
    assert (owed.relay, owed.connections, owed.behind) == (f"127.0.0.1:{sink.port}", OVERDUE_FOR_ONE, 0)
    assert NOW - timedelta(minutes=1) < owed.since < NOW
    assert f"Le serveur d’envoi 127.0.0.1:{sink.port} fait attendre 5{WIDE}connexions depuis le " in owed.sentence
    sink.release()
    attend_until(worker, lambda: not worker.is_busy)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    assert len({entry["to"] for entry in sink.accepted}) == len(sink.accepted) == 20
    with database.writing() as session:
        workers.give_sign(session, worker.writer.worker_id, now=NOW, overdue=worker.pool.longest_overdue())
        assert workers.waiting(session, now=NOW) == []


@pytest.mark.usefixtures("soon_overdue")
def test_beyond_the_bound_what_is_waited_for_fills_the_width(database, relay, dispatcher, monkeypatch):
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.PATIENCE_SECONDS", 1.0)
    sink = relay()
    sink.script(never_answered(20))
    mailing, worker = mail_to(database, addresses(20)), dispatcher(sink, connections=1, patient=False)
    deliver_until(worker, mailing, lambda: len(sink.accepted) == OVERDUE_FOR_ONE + 1)
    worker.deliver(mailing)
    assert worker.pool.count(State.VERDICT) == len(sink.accepted) == OVERDUE_FOR_ONE + 1
    assert worker.pool.width == 1


@pytest.mark.usefixtures("soon_overdue")
def test_a_mailing_of_one_letter_does_not_wait_for_the_late_connections_of_others(
    database, relay, dispatcher, monkeypatch
):
    sink = relay()
    sink.script(never_answered(1))
    worker = dispatcher(sink, patient=False)
    worker.deliver(mail_to(database, ["slow@adm.fwb.example"]))
    attend_until(worker, lambda: worker.pool.outside == 1)
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.LINGER_SECONDS", 60)
    mailings, began = [mail_to(database, [one]) for one in addresses(3)], time.monotonic()
    for mailing in mailings:
        worker.deliver(mailing)
    assert time.monotonic() - began < 60
    assert len(sink.accepted) == 4


def test_an_answer_is_overdue_by_what_this_relay_takes_as_a_rule():
    patience = Lateness(Timeouts())
    assert patience.overdue_after == pool.PATIENCE_SECONDS
    for _ in range(200):
        patience.learn(0.05)
    assert patience.overdue_after == LEAST_SECONDS
    patience.learn(25)
    assert patience.overdue_after == LEAST_SECONDS
    for _ in range(200):
        patience.learn(3)
    assert patience.overdue_after >= 9


def rests(database):
    with database.reading() as session:
        return session.scalars(select(RelayState.rests_until)).all()


@pytest.mark.parametrize("stage", ["connect", "ehlo"])
def test_one_refused_greeting_keeps_no_mailing_of_one_letter_waiting(database, relay, dispatcher, stage):
    sink = relay()
    sink.script({"stage": stage, "reply": "421 4.3.2 not now", "times": 2})
    mailing = mail_to(database, addresses(1))
    dispatcher(sink).deliver(mailing)
    assert [(row.state, row.attempts) for row in states(database, mailing).values()] == [(S.ACCEPTED, 0)]
    assert rests(database) == []


def test_a_relay_that_refuses_again_and_again_rests(database, relay, dispatcher, clock):
    sink = relay()
    sink.script({"stage": "connect", "reply": "421 4.3.2 not now", "times": 4})
    mailing, worker = mail_to(database, addresses(1)), dispatcher(sink)
    for minutes in (1, 2):
        worker.deliver(mailing)
        (until,) = rests(database)
        assert until - clock() == timedelta(minutes=minutes)
        clock.at = until
    worker.deliver(mailing)
    assert [(row.state, row.attempts) for row in states(database, mailing).values()] == [(S.ACCEPTED, 0)]


def test_a_connection_is_kept_for_the_next_mailing_and_left_once_it_is_idle(database, relay, dispatcher, monkeypatch):
    sink = relay()
    worker = dispatcher(sink)
    for one in addresses(3):
        worker.deliver(mail_to(database, [one]))
    assert len({entry["session"] for entry in sink.accepted}) == 1
    assert (worker.is_busy, worker.has_connections) == (False, True)
    monkeypatch.setattr("outreach.delivery.sending._dispatcher.IDLE_SECONDS", 0)
    worker.attend()
    assert not worker.has_connections


@pytest.mark.parametrize("reply", ["421 4.4.2 idle for too long", "close"])
def test_a_kept_connection_that_the_relay_ends_costs_no_letter_an_attempt(database, relay, dispatcher, reply):
    """Nor one that never carried a letter: it was opened for another one."""
    sink = relay()
    worker = dispatcher(sink)
    worker.pool.open(2)
    worker.pool.wait(30, until=lambda: worker.pool.count(State.READY) == 2)
    worker.attend()
    sink.script({"stage": "mail", "reply": reply, "times": 2})
    mailing = mail_to(database, addresses(2))
    worker.deliver(mailing)
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.ACCEPTED, 0)}
    assert rests(database) == []
