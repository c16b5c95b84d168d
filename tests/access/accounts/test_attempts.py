"""Counting failed sign-ins: in a window that moves, for every name apart, for all processes together."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from outreach.access import accounts
from outreach.access.accounts import SignInAttempt
from outreach.access.accounts._sessions import PERIOD
from outreach.core.db import Database
from tests.conftest import NOW

SECOND = timedelta(seconds=1)
KEY = accounts.attempt_key("the secret of these tests")


@pytest.fixture
def fail(database):
    """Count a failure, in a transaction of its own."""

    def counted(most, now=NOW):
        with database.writing() as session:
            return accounts.count_failure(session, KEY, most, now=now)

    return counted


def kept(database):
    with database.reading() as session:
        return len(session.scalars(select(SignInAttempt.id)).all())


def test_failures_are_forgotten_one_by_one(fail):
    assert [fail({"a": 3}, NOW + n * SECOND) for n in range(5)] == [True, True, True, False, False]
    assert fail({"b": 3})
    assert all(fail({"a": 3}, NOW + PERIOD + n * SECOND) for n in range(3))
    assert not fail({"a": 3}, NOW + PERIOD + 2 * SECOND)


def test_what_one_name_refuses_counts_under_no_other(fail):
    fail({"a": 1})
    assert not fail({"a": 1, "b": 1})
    assert fail({"b": 1})


def test_after_the_clock_was_put_back_what_it_said_does_not_count(fail):
    fail({"a": 1}, NOW + timedelta(days=30))
    assert fail({"a": 1})


@pytest.mark.postgresql
def test_processes_that_count_at_once_let_no_more_through_than_one_would(database, fresh_url):
    """Each with an engine of its own, as in a process of its own."""
    let, at_once = [], threading.Barrier(8)

    def try_often():
        own = Database(fresh_url)
        at_once.wait()
        for _ in range(5):
            with own.writing() as session:
                let.append(accounts.count_failure(session, KEY, {"account:a": 10, "address:b": 100}, now=NOW))
        own.dispose()

    threads = [threading.Thread(target=try_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let), sum(let)) == (40, 10)
    assert kept(database) == 20


def test_a_row_names_nobody_and_is_of_no_use_without_the_key(fail, database):
    fail({"account:nadia.lambert@fwb.example": 10, "address:192.0.2.1": 100})
    with database.reading() as session:
        stored = {bytes(name) for name in session.scalars(text("SELECT name FROM sign_in_attempts"))}
        assert {len(name) for name in stored} == {16}
        assert not any(b"nadia" in name or b"192" in name for name in stored)
        other = accounts.attempt_key("another secret")
        assert accounts.is_open(session, other, {"account:nadia.lambert@fwb.example": 1}, now=NOW)
        assert not accounts.is_open(session, KEY, {"account:nadia.lambert@fwb.example": 1}, now=NOW)
