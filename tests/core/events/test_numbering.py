"""Numbers of events: nobody who has read one passes over another, as a plain sequence would let them."""

import random
import threading
import time

import pytest
from sqlalchemy import func, select

from outreach.core import audit
from outreach.core.audit import Event, EventKind, publish_event, tell_all
from outreach.core.db import Database
from tests.conftest import NOW

KIND = EventKind.STATUS_RECORDED


def tell_one(session, word):
    publish_event(session, KIND, f"school:{word}", {"school": word}, at=NOW)


def read_after(session, column, after):
    return session.scalars(select(column).where(column > after).order_by(column)).all()


@pytest.mark.postgresql
def test_events_get_the_next_numbers_once_they_are_committed(database):
    with database.writing() as session:
        tell_all(session, KIND, [(f"school:{n}", {"school": n}) for n in range(5)], at=NOW)
    with database.reading() as session:
        assert audit.events_after(session, 0, 10) == []
    assert audit.number_waiting(database) == 5
    assert audit.number_waiting(database) == 0
    with database.reading() as session:
        assert [event.number for event in audit.events_after(session, 2, 2)] == [3, 4]
        assert audit.last_event(session) == 5
        (first,) = audit.events_after(session, 0, 1)
        told = audit.cloud_event(first, "https://outreach.example")
    assert told["data"] == {"school": 0}
    assert (told["id"], told["type"], told["time"]) == (
        "1",
        "outreach.adherence.recorded",
        "2021-05-15T09:00:00.000000Z",
    )


@pytest.fixture
def postgresql(database):
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    return database


@pytest.mark.postgresql
def test_a_plain_sequence_would_pass_over_who_commits_last(postgresql):
    """By `id`, which the database gives at writing, a reader misses the earlier event; by number it does not."""
    slow, quick = postgresql.connect(), postgresql.connect()
    try:
        for connection, word in ((slow, 1), (quick, 2)):
            row = {"kind": KIND.value, "subject": f"school:{word}", "at": NOW, "data": "{}"}
            connection.execute(Event.__table__.insert(), [row])
        quick.commit()
        with postgresql.reading() as session:
            seen = read_after(session, Event.id, 0)
            cursor = max(seen)
        assert audit.number_waiting(postgresql) == 1
        slow.commit()
        assert audit.number_waiting(postgresql) == 1
        with postgresql.reading() as session:
            assert read_after(session, Event.id, cursor) == [], "the sequence has passed over the slow one"
            assert session.scalar(select(func.count(Event.id))) == 2
            assert read_after(session, Event.number, 1) == [2], "the number has not"
    finally:
        slow.close()
        quick.close()


@pytest.mark.postgresql
@pytest.mark.long
def test_eight_writers_and_two_numberers_leave_no_gap_to_a_reader(postgresql):  # noqa: C901 - the work of three kinds of threads
    written, read, faults = 8 * 40, [], []
    done = threading.Event()

    def write(seed):
        chance = random.Random(seed)
        for word in range(40):
            with postgresql.writing() as session:
                tell_one(session, seed * 1000 + word)
                time.sleep(chance.random() / 200)

    def number():
        while not done.is_set():
            audit.number_waiting(postgresql)

    def follow():
        last = 0
        while len(read) < written and not done.wait(0.001):
            with postgresql.reading() as session:
                batch = [event.number for event in audit.events_after(session, last, 50)]
            if batch and batch != list(range(last + 1, last + 1 + len(batch))):
                faults.append((last, batch))
            read.extend(batch)
            last = read[-1] if read else 0

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(8)]
    others = [*(threading.Thread(target=number) for _ in range(2)), threading.Thread(target=follow)]
    for thread in writers + others:
        thread.start()
    for thread in writers:
        thread.join()
    end = time.monotonic() + 20
    while len(read) < written and time.monotonic() < end:
        time.sleep(0.01)
    done.set()
    for thread in others:
        thread.join()
    assert faults == []
    assert read == list(range(1, written + 1))


def test_an_event_of_a_transaction_that_is_undone_is_never_told(database: Database):
    with pytest.raises(RuntimeError), database.writing() as session:
        tell_one(session, 1)
        raise RuntimeError
    assert audit.number_waiting(database) == 0
