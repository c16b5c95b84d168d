"""What is over goes while letters leave: each batch of letters beside a transaction of the purge."""

import threading
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import event

from outreach.delivery.models import Mailing, MessageState
from outreach.operations.retention import RULES, count_over, forget_by_rule
from tests.conftest import NOW
from tests.delivery.conftest import addresses, clock, compose, dispatcher, mail_to, relay, states
from tests.operations.retention.test_waits import fill

__all__ = ["clock", "dispatcher", "relay"]
TURNS, PATIENCE_SECONDS = 2, 60
RULED = [rule for rule in RULES if rule.name in {"trail_entries", "letters"}]
MOST = max(rule.binding.most for rule in RULED)


class NoFile:
    """Stands where sealed files are written: these letters have no words of their own to export."""

    def keep(self, *_given, **_more):
        pass


class Rests(threading.Event):
    """The rests of a purge, which end when the next batch of letters is composed."""

    def __init__(self, meeting):
        super().__init__()
        self.meeting = meeting

    def wait(self, _seconds):
        meet(self.meeting)
        return False


def meet(meeting):
    """Wait for the other side, unless it has come to its end."""
    with suppress(BrokenBarrierError):
        meeting.wait(PATIENCE_SECONDS)


@contextmanager
def counted(database):
    """The rows that each statement of the purge's thread took, in a list."""
    here, sizes = threading.get_ident(), []

    def note(_connection, cursor, statement, *_rest):
        if threading.get_ident() == here and statement.startswith(("DELETE FROM trail", "UPDATE compositions")):
            sizes.append(cursor.rowcount)

    event.listen(database.engine, "after_cursor_execute", note)
    yield sizes
    event.remove(database.engine, "after_cursor_execute", note)


@pytest.mark.long
@pytest.mark.postgresql
def test_a_purge_beside_a_sending_is_small_and_loses_no_letter_and_writes_none_twice(database, relay, dispatcher):
    sink, met = relay("--lint-every", "0"), Counter()
    old, new = addresses(TURNS * MOST, "old"), addresses(TURNS * MOST, "new")
    left_before = mail_to(database, old)
    dispatcher(sink).deliver(left_before)
    with database.writing() as session:
        session.get_one(Mailing, left_before).filled_at = NOW - timedelta(days=1110)
    fill(database, TURNS * MOST)
    meeting = Barrier(2, lambda: met.update(["times"]))

    def composing(*given):
        meet(meeting)
        return compose(*given)

    mailing, carrier = mail_to(database, new), dispatcher(sink, compose=composing)

    def send():
        carrier.deliver(mailing)
        meeting.abort()

    sending = threading.Thread(target=send)
    sending.start()
    try:
        with counted(database) as sizes:
            for rule in RULED:
                forget_by_rule(database, rule, lambda: NOW, Rests(meeting), NoFile())
    finally:
        meeting.abort()
        sending.join()
    assert met["times"] >= TURNS, "letters left between the purge's transactions"
    assert (max(sizes), sum(sizes)) == (MOST, 2 * TURNS * MOST)
    with database.reading() as session:
        assert [count_over(session, rule, now=NOW) for rule in RULED] == [0, 0]
    assert {row.state for row in states(database, mailing).values()} == {MessageState.ACCEPTED}
    assert Counter(one["to"] for one in sink.accepted) == Counter([*old, *new])
