"""Group commit: what many bring is handled together, each gets its own result, and nobody waits without end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from outreach.web.public import tracking_endpoint
from outreach.web.public.tracking_endpoint import Batches, NotHandled


def refusing(*refusals):
    """Batches whose first are refused in these ways."""
    left = list(refusals)

    def handle(given):
        if left:
            raise left.pop(0)
        return given

    return Batches("not handled", handle)


@pytest.fixture
def held(monkeypatch):
    """Batches that are not handled before `gate` opens, the batches so far, and an event: the first is begun."""
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 60)
    handled, is_begun, gate = [], threading.Event(), threading.Event()

    def handle(given):
        is_begun.set()
        gate.wait(60)
        handled.append(list(given))
        return [one * 10 for one in given]

    yield Batches("not handled", handle), handled, is_begun, gate
    gate.set()


def test_what_many_bring_at_once_is_handled_together_and_each_gets_its_result(held):
    made, handled, is_begun, gate = held
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(made.put, 0)]
        assert is_begun.wait(60)
        asked += [pool.submit(made.put, number) for number in range(1, 20)]
        while made._waiting.qsize() < 19:
            time.sleep(0.01)
        gate.set()
        assert [one.result() for one in asked] == [number * 10 for number in range(20)]
    assert sorted(number for batch in handled for number in batch) == list(range(20))
    assert len(handled) == 2


def test_what_could_not_be_handled_is_said_and_the_next_is_tried():
    made = refusing(OperationalError("x", None, Exception()))
    with pytest.raises(NotHandled):
        made.put(1)
    assert made.put(2) == 2


def test_a_fault_of_ours_is_logged_and_keeps_nobody_waiting(caplog):
    made = refusing(ValueError("ours"))
    with pytest.raises(NotHandled):
        made.put(1)
    assert "ours" in caplog.text
    assert made.put(2) == 2


def test_a_result_too_few_is_a_fault_of_ours():
    with pytest.raises(NotHandled):
        Batches("not handled", lambda _given: []).put(1)


def test_who_waited_long_enough_goes_and_the_next_do_not_wait_but_all_is_handled_in_the_end(held, monkeypatch):
    made, handled, is_begun, gate = held
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(NotHandled):
        made.put(1)
    assert is_begun.wait(60)
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 0.0)  # the batch under way has been so for longer
    for number in (2, 3):
        with pytest.raises(NotHandled):
            made.put(number)
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 60)
    gate.set()
    assert made.put(4) == 40
    assert sorted(number for batch in handled for number in batch) == [1, 2, 3, 4]


def test_a_queue_that_nobody_empties_is_bounded(held, monkeypatch):
    made, *_ = held
    monkeypatch.setattr(tracking_endpoint, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(tracking_endpoint, "MOST_WAITING", 3)
    for number in range(10):
        with pytest.raises(NotHandled):
            made.put(number)
    assert made._waiting.qsize() <= 3


def test_a_process_without_the_thread_starts_one():
    made = refusing()
    assert made.put(1) == 1
    made._thread = threading.Thread()  # as after a fork, which copies only the thread that forks
    assert made.put(2) == 2
