"""Deletes what was kept for its time, a few rows a transaction, so that nobody waits long to write."""

import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from outreach.db import Database, take_turns
from outreach.retention.periods import Retention

# SQLite lets a writer that waits try again every 100 ms at the latest: within this rest it finds its turn.
REST_SECONDS = 0.12


def forget(database: Database, row: Retention, clock: Callable[[], datetime], stop: threading.Event) -> int:
    """Do what a row says to all that is over, or until `stop` is set; returns how many rows that was.

    Call it outside any transaction: each batch is one of its own, and others write in between. Where nothing is over
    it only reads.
    """
    count = 0
    with database.reading() as session:
        is_due = session.execute(select(*row.keys).where(row.is_over(clock())).limit(1)).first() is not None
    while is_due and not stop.is_set():
        with database.writing() as session:
            take_turns(session, "retention", row.table)
            keys = session.execute(select(*row.keys).where(row.is_over(clock())).limit(row.most)).all()
            row.apply(session, keys)
        count += len(keys)
        is_due = len(keys) == row.most and not stop.wait(REST_SECONDS)
    return count
