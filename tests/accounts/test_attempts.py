"""Counting failed sign-ins: in a window that moves, for every name apart, in little memory."""

from datetime import timedelta

from outreach.accounts.attempts import MOST_NAMES, PERIOD, Attempts
from tests.conftest import NOW

SECOND = timedelta(seconds=1)


def test_failures_are_forgotten_one_by_one():
    attempts = Attempts()
    assert [attempts.begin({"a": 3}, NOW + n * SECOND) for n in range(5)] == [True, True, True, False, False]
    assert attempts.begin({"b": 3}, NOW)
    assert [attempts.begin({"a": 3}, NOW + PERIOD + n * SECOND) for n in range(3)] == [True, True, True]
    assert not attempts.begin({"a": 3}, NOW + PERIOD + 2 * SECOND)


def test_what_one_name_refuses_counts_under_no_other():
    attempts = Attempts()
    attempts.begin({"a": 1}, NOW)
    assert not attempts.begin({"a": 1, "b": 1}, NOW)
    assert attempts.begin({"b": 1}, NOW)


def test_what_was_right_does_not_count():
    attempts = Attempts()
    for _ in range(5):
        assert attempts.begin({"a": 1, "b": 1}, NOW)
        attempts.take_back(["a", "b"])


def test_no_flood_of_names_fills_the_memory():
    attempts = Attempts()
    for number in range(MOST_NAMES + 50):
        attempts.begin({f"account:{number}": 1}, NOW)
    assert len(attempts._at) <= MOST_NAMES
    attempts.begin({"later": 1}, NOW + PERIOD)
    assert len(attempts._at) == 1
