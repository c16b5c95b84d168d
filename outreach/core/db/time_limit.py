"""A limit on the time that reading takes in the database: it ends what takes longer, on PostgreSQL and on SQLite."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from outreach.core.text.errors import TookTooLong

READS = "outreach_reads"  # an execution option: transactions of this engine only read
STEPS = 500_000  # of SQLite's virtual machine between two looks at the time: some hundredths of a second
SENTENCE = "La base de données n’a pas répondu à temps à ce qui était demandé."


@dataclass
class _Allowance:
    """The seconds that are left to statements, and when the one under way has used them up (monotonic clock)."""

    left: float
    begun: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        return time.monotonic() > self.begun + self.left

    def count(self) -> None:
        """Count what has passed since the statement began."""
        now = time.monotonic()
        self.left -= now - self.begun
        self.begun = now  # SQLite computes further rows as they are read, within what is left


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


def limit(seconds: float | None) -> None:
    """From now on, in this thread, reading may take so many seconds in the database in all; None lifts the limit.

    A statement that takes longer raises TookTooLong, and its transaction is over; the connection is usable afterwards.
    Only time in statements counts, and what `look` adds. SQLite is interrupted at the limit. PostgreSQL is told at the
    beginning of each reading what is left, so that each statement of that reading may take as long; none begins after
    the limit. What writes is never limited.
    """
    _allowance.set(None if seconds is None else _Allowance(seconds))


def look() -> None:
    """Count what was done with rows since the last statement, too: for what reads many, and decides on each by itself.

    Raises TookTooLong where no time is left.
    """
    allowance = _allowance.get()
    if allowance is None:
        return
    allowance.count()
    if allowance.left <= 0:
        raise TookTooLong(SENTENCE)


@contextmanager
def lifted() -> Iterator[None]:
    """No limit within this block."""
    before = _allowance.get()
    _allowance.set(None)
    try:
        yield
    finally:
        _allowance.set(before)


def tell(session: Session) -> None:
    """Tell PostgreSQL, at the beginning of a reading, how long each of its statements may take."""
    allowance = _allowance.get()
    if allowance is not None and session.get_bind().dialect.name == "postgresql":
        connection = session.connection()
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, round(1000 * allowance.left))}")


def install(engine: Engine) -> None:
    """Make the limit hold for an engine and for those with other options that are made of it."""
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "begin", _forget)
    event.listen(engine, "handle_error", _name)


def _of(connection: Connection) -> _Allowance | None:
    allowance = _allowance.get()
    return allowance if allowance and connection.get_execution_options().get(READS) else None


def _begin(connection: Connection, *_details: Any) -> None:
    allowance = _of(connection)
    if allowance is None:
        return
    if allowance.left <= 0:
        raise TookTooLong(SENTENCE)
    allowance.begun = time.monotonic()
    if connection.dialect.name == "sqlite":
        connection.info["limited"] = True
        connection.connection.dbapi_connection.set_progress_handler(allowance.is_over, STEPS)  # type: ignore[union-attr]


def _end(connection: Connection, *_details: Any) -> None:
    allowance = _of(connection)
    if allowance is not None:
        allowance.count()


def _forget(connection: Connection) -> None:
    """Lift the limit that an earlier transaction on this connection had: this one may write."""
    driver: Any = connection.connection.dbapi_connection
    if connection.info.pop("limited", False):
        driver.set_progress_handler(None, 0)
    if connection.dialect.name == "postgresql":
        allowance = _of(connection)
        driver.ends_within = None if allowance is None else allowance.left  # for `silence`


def _name(context: ExceptionContext) -> TookTooLong | None:
    error, connection = context.original_exception, context.connection
    allowance = _of(connection) if connection is not None else None
    is_ended = getattr(error, "sqlstate", "") == "57014" or getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT"
    if allowance is None or not is_ended:
        return None
    allowance.left = 0
    return TookTooLong(SENTENCE)
