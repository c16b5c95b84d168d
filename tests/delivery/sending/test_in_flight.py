"""A letter in hand is in one place at a time, and its result is kept until it is recorded."""

from outreach.delivery.outbox import Composed, Settled
from outreach.delivery.sending._in_flight import InFlight
from outreach.delivery.smtp import AttemptResult, Verdict

ACCEPTED, CUT_OFF = AttemptResult(Verdict.ACCEPTED, 250), AttemptResult(Verdict.UNREACHED, text="coupé")


def letter(key):
    return Composed(key, 0, f"{key}@y.example", "a@x.example", b"", "")


def carrying(*keys):
    in_flight = InFlight()
    in_flight.carry(map(letter, keys))
    return in_flight


def test_letters_that_only_wait_keep_no_postman_busy():
    in_flight = InFlight()
    in_flight.begin([letter(1)])
    assert not in_flight
    assert in_flight.still_queued() == set()


def test_a_letter_whose_dot_is_written_counts_as_queued_no_more():
    in_flight = carrying(1, 2)
    in_flight.await_answers([1], "fence")
    assert (in_flight.busy, in_flight.still_queued()) == (2, {2})


def test_a_result_names_the_fence_of_its_letter():
    in_flight = carrying(1, 2)
    in_flight.await_answers([1], "fence")
    for key in (1, 2):
        in_flight.settle(key, ACCEPTED)
    assert in_flight.settled == [Settled(1, "fence", ACCEPTED), Settled(2, None, ACCEPTED)]
    assert in_flight.busy == 0


def test_a_settled_letter_is_not_handed_over_again_before_its_result_is_recorded():
    in_flight = carrying(1, 2)
    in_flight.settle(1, ACCEPTED)
    in_flight.settle(2, CUT_OFF, is_undecided=True)
    assert in_flight.still_queued() == {1, 2}
    in_flight.forget_settled()
    assert in_flight.still_queued() == {2}
    assert in_flight


def test_a_letter_put_back_goes_before_the_others():
    in_flight = carrying(1)
    in_flight.begin([letter(2)])
    in_flight.put_back(1)
    in_flight.put_back(7)  # a letter that was dropped meanwhile
    assert [waiting.id for waiting in in_flight.waiting] == [1, 2]
    assert not in_flight.carried


def test_a_dropped_letter_is_in_no_place():
    in_flight = carrying(1)
    in_flight.drop([letter(1), letter(2)])
    assert not in_flight


def test_undecided_letters_count_as_put_off_once_the_relay_answers_others():
    in_flight = carrying(1)
    in_flight.settle(1, CUT_OFF, is_undecided=True)
    in_flight.defer_undecided()
    assert [(settled.message_id, settled.outcome.verdict) for settled in in_flight.settled] == [(1, Verdict.LATER)]
    assert not in_flight.undecided


def test_undecided_letters_go_back_uncounted_while_the_relay_answers_nobody():
    in_flight = carrying(1)
    in_flight.settle(1, CUT_OFF, is_undecided=True)
    in_flight.requeue_undecided()
    assert [(settled.message_id, settled.outcome.verdict) for settled in in_flight.settled] == [(1, Verdict.UNREACHED)]
    assert not in_flight.undecided
