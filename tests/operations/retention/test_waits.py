"""While a hundred thousand rows go, others write."""

import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, func, insert, select, text

from outreach.access.accounts import AccessLogEntry, SignInAttempt, TrailKind
from outreach.core.db import Database, sqlite, table_of
from outreach.operations.retention import RULES, forget_by_rule
from outreach.operations.retention import _deletion as deletion
from outreach.operations.retention._deletion import MEANT_SECONDS, next_size
from tests.conftest import NOW

(RULE,) = [rule for rule in RULES if rule.name == "trail_entries"]
ROWS = 100_000
LONGEST_SECONDS = 0.2
PACE_SECONDS = 0.03  # each write takes two of what the purge takes of a processor: faster ones would measure themselves


class Writer(threading.Thread):
    """Writes a row every 30 ms by a connection of its own.

    `waits` are the times that writes took, each without and with what it waited in the queue for a processor.
    """

    def __init__(self, url):
        super().__init__()
        self.own, self.over, self.waits = Database(url), threading.Event(), []

    def run(self):
        self.queues = [Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")]
        if self.own.engine.dialect.name == "postgresql":
            with self.own.reading() as session:
                server = session.scalar(text("SELECT pg_backend_pid()"))
            self.queues.append(Path(f"/proc/{server}/schedstat"))
        while not self.over.wait(PACE_SECONDS):
            before, queued = time.perf_counter(), self.queued()
            with self.own.writing() as session:
                session.add(SignInAttempt(name=bytes(16), at=NOW))
            took = time.perf_counter() - before
            self.waits.append((took - self.queued() + queued, took))
        self.own.dispose()

    def queued(self):
        return sum(int(each.read_text(encoding="ascii").split()[1]) for each in self.queues) / 1e9


def fill(database, rows):
    line = {"at": NOW - timedelta(days=500), "kind": TrailKind.SIGNED_IN, "person": "x@fwb.example", "detail": ""}
    with database.writing() as session:
        session.execute(insert(table_of(AccessLogEntry)), [line] * rows)


def said(writer):
    """Print what a writer waited; the wait that 99 in a hundred do not pass, without the queue for a processor."""
    own, took = (sorted(times) for times in zip(*writer.waits, strict=True))
    for name, times in (("by the clock", took), ("without the processor's queue", own)):
        of_99 = times[len(times) * 99 // 100]
        words = f"median {times[len(times) // 2]:.3f} s, 99 in 100 {of_99:.3f} s, longest {times[-1]:.3f} s"
        print(f"{len(times)} writes {name}: {words}")
    return own[len(own) * 99 // 100]


def test_no_transaction_takes_more_rows_than_its_rule_says(database, monkeypatch):
    monkeypatch.setattr(deletion, "time", SimpleNamespace(monotonic=lambda: 0.0))
    fill(database, 3 * RULE.binding.most + 1)
    sizes = []

    @event.listens_for(database.engine, "after_cursor_execute")
    def note(_connection, cursor, statement, *_rest):
        if statement.startswith("DELETE"):
            sizes.append(cursor.rowcount)

    never = threading.Event()
    never.wait = lambda _seconds: False
    assert forget_by_rule(database, RULE, lambda: NOW, never) == 3 * RULE.binding.most + 1
    assert sizes == [RULE.binding.most] * 3 + [1]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_after_a_transaction_that_took_long_the_next_one_takes_fewer_rows(database, monkeypatch):
    fill(database, 2 * RULE.binding.most)
    clock, sizes = iter([0.0, 2 * MEANT_SECONDS, *[0.0] * 9]), []
    monkeypatch.setattr(deletion, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    settle = deletion._settle
    monkeypatch.setattr(deletion, "_settle", lambda *given: sizes.append(settle(*given)) or sizes[-1])
    never = threading.Event()
    never.wait = lambda _seconds: False
    forget_by_rule(database, RULE, lambda: NOW, never)
    assert sizes == [RULE.binding.most, RULE.binding.most // 2, RULE.binding.most // 2]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_purge_goes_on_once_whoever_held_the_turn_to_write_for_long_has_let_it_go(database, monkeypatch):
    """15 seconds are the patience of a transaction: here a tenth of one."""
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.1)
    fill(database, 3 * RULE.binding.most)
    refused, holding, stop = [], threading.Event(), threading.Event()
    event.listen(database.engine, "handle_error", lambda context: refused.append(context.original_exception))

    def hold():
        with database.writing() as session:
            session.execute(text("SELECT 1"))  # only now it has its turn
            holding.set()
            deadline = time.monotonic() + 30
            while len(refused) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)

    other = threading.Thread(target=hold)
    other.start()
    holding.wait(30)
    assert forget_by_rule(database, RULE, lambda: NOW, stop) == 3 * RULE.binding.most
    other.join()
    assert {error.sqlite_errorname for error in refused} == {"SQLITE_BUSY"}


@pytest.mark.parametrize(
    ("size", "most", "times", "expected"),
    [
        (500, 500, 1, 500),
        (500, 500, 2, 250),
        (100, 500, 0.5, 200),
        (400, 500, 0.1, 500),
        (60, 500, 99, 50),
        (2, 10, 99, 1),
        (1, 5, 99, 1),
    ],
)
def test_a_transaction_takes_the_rows_that_fit_its_time(size, most, times, expected):
    assert next_size(size, most, times * MEANT_SECONDS) == expected


@pytest.mark.deep
@pytest.mark.long
@pytest.mark.postgresql
def test_others_wait_for_a_fifth_of_a_second_at_most_while_a_hundred_thousand_rows_go(database):
    """Of 99 writes in a hundred, without the queue for a processor: that is as long where nothing is purged."""
    fill(database, ROWS)
    writer = Writer(database.engine.url.render_as_string(hide_password=False))
    writer.start()
    try:
        assert forget_by_rule(database, RULE, lambda: NOW, threading.Event()) == ROWS
    finally:
        writer.over.set()
        writer.join()
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccessLogEntry)) == 0
    assert said(writer) <= LONGEST_SECONDS
