"""Turns: staff first, then waves and single letters one after the other, and nobody twice."""

from outreach.delivery.sending import Lane
from outreach.operations.worker.mail_room import Turns

STAFF, WAVE, SINGLE = Lane


def test_staff_mail_goes_first_then_waves_and_single_letters_by_turns():
    turns = Turns()
    for number in range(3):
        turns.add(10 + number, SINGLE)
        turns.add(20 + number, WAVE)
    turns.add(30, STAFF)
    assert [turns.next()[0] for _ in range(7)] == [30, 20, 10, 21, 11, 22, 12]


def test_staff_mail_that_never_ends_keeps_nobody_waiting():
    turns, served = Turns(), []
    turns.add(10, SINGLE)
    turns.add(20, WAVE)
    for _ in range(6):
        turns.add(30, STAFF)
        served.append(turns.next()[1])
    assert served == [STAFF, WAVE, STAFF, SINGLE, STAFF, STAFF]


def test_a_mailing_waits_once_and_slow_connections_are_for_when_none_does():
    turns = Turns()
    turns.attend()
    turns.add(20, WAVE)
    turns.add(20, WAVE)
    assert turns.others(20) is False
    turns.add(21, WAVE)
    assert (turns.others(20), turns.others(20, STAFF)) == (True, False)
    assert [turns.next() for _ in range(3)] == [(20, WAVE), (21, WAVE), None]
    turns.add(20, WAVE)
    turns.end()
    assert turns.next() is None
