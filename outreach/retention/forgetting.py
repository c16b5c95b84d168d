"""Deletes what was kept for its time, a few rows a transaction, so that nobody waits long to write."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from outreach.db import Database, Session, take_turns
from outreach.db.watch import is_busy
from outreach.retention.archives import Archives
from outreach.retention.periods import Retention

REST_SECONDS = 0.12  # on SQLite: others have the turn to write for twice as long as what is deleted
SHORT_REST_SECONDS = 0.02  # on PostgreSQL, where nobody waits for a turn: the processor alone is left to others
# On SQLite everybody waits for a transaction that writes. On PostgreSQL nobody waits for rows that are over: there,
# smaller transactions of a busy machine would only be more of them.
MEANT_SECONDS = 0.05
LEAST_PART = 10  # of the rows that a transaction may take: fewer cost more than they save
MOST_TRIES = 40  # of 15 seconds each, to get SQLite's turn to write: a copy of a large file takes less
MOST_READ = 10_000  # keys that are found at once, while nobody waits
MOST_EXPORTED = 2_000  # rows of a sealed file: some megabytes


def forget(
    database: Database,
    rule: Retention,
    clock: Callable[[], datetime],
    stop: threading.Event,
    archives: Archives | None = None,
) -> int:
    """Do what a rule says to all that is over, or until `stop` is set; returns how many rows that was.

    Call it outside any transaction: each batch is one of its own, and others write in between. On SQLite
    a batch has fewer rows after one that took long. What is over is found while reading, so where nothing is, nothing
    is written. What may be an archive waits until there are `archives` to which it is written first.
    """
    size, has_one_writer = rule.binding.most, database.engine.dialect.name == "sqlite"
    rest = REST_SECONDS if has_one_writer else SHORT_REST_SECONDS
    count, has_more = 0, not rule.is_archive or archives is not None
    most = MOST_EXPORTED if rule.is_archive else MOST_READ
    while has_more and not stop.is_set():
        with database.reading() as session:
            due = session.execute(select(*rule.keys).where(rule.is_over(clock())).limit(most)).all()
        if due and rule.is_archive and archives is not None:
            archives.keep(database, rule, due, now=clock())
        done = first = 0
        while first < len(due) and not (first and stop.wait(rest)):
            before = time.monotonic()
            done += _settle_in_turn(database, rule, due[first : first + size], clock, stop)
            first += size
            if has_one_writer:
                size = next_size(size, rule.binding.most, time.monotonic() - before)
        count += done
        has_more = done > 0 and len(due) == most and not stop.wait(rest)
    return count


def next_size(size: int, most: int, seconds: float) -> int:
    """How many rows the next transaction takes, of `most`, after one of `size` rows that took so many seconds."""
    fitting = int(size * min(2.0, MEANT_SECONDS / max(seconds, 0.001)))
    return min(most, max(fitting, most // LEAST_PART, 1))


def count_over(session: Session, rule: Retention, *, now: datetime) -> int:
    """How many rows a rule would take now."""
    return session.scalar(select(func.count()).select_from(rule.model).where(rule.is_over(now))) or 0


def _settle_in_turn(
    database: Database,
    rule: Retention,
    keys: Sequence[Sequence[Any]],
    clock: Callable[[], datetime],
    stop: threading.Event,
) -> int:
    """One transaction, asked for again where somebody else held SQLite's one turn to write for too long."""
    for _ in range(MOST_TRIES - 1):
        try:
            return _settle(database, rule, keys, clock)
        except OperationalError as error:
            if not is_busy(error) or stop.wait(REST_SECONDS):
                raise
    return _settle(database, rule, keys, clock)


def _settle(database: Database, rule: Retention, keys: Sequence[Sequence[Any]], clock: Callable[[], datetime]) -> int:
    """One transaction: what another machine, or somebody, did meanwhile to these rows is left alone."""
    these = rule.has_key(keys)
    with database.writing() as session:
        take_turns(session, "retention", rule.table)
        still = session.execute(select(*rule.keys).where(these, rule.is_over(clock()))).all()
        if still:
            rule.apply(session, still, now=clock())
    return len(still)
