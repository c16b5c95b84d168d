"""The watch over the database of a web process: it refuses at once what nobody could answer, and says a fault once.

A page asks before each session. While the server is silent, or of another version, it gets `DatabaseAway` instead of
waiting. Nothing runs between requests: whoever comes next asks anew.
"""

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

CHECK_SECONDS = 5.0  # from one look at the version to the next: two short statements of each process
AGAIN_SECONDS = 1.0  # from one question to a silent server to the next
CALM_SECONDS = 3.0  # after the last fault, until the log says that it is over
NEVER = float("-inf")
logger = logging.getLogger(__name__)


class DatabaseFault(StrEnum):
    """Why the database does not serve, as a word for a monitor."""

    SILENT = "silent"
    OLDER = "older"
    TOO_OLD = "too_old"
    NEWER = "newer"


SENTENCES = {
    DatabaseFault.SILENT: "the database is silent",
    DatabaseFault.OLDER: "the database has an older version than the program, so no page is served: run ./run migrate",
    DatabaseFault.TOO_OLD: (
        "the database is older than 0.3.0, so no page is served: migrate it with the program of 0.3.0 first"
    ),
    DatabaseFault.NEWER: (
        "the database has a version that the program does not know, so no page is served: "
        "start the program that this database was migrated by, or restore its backup"
    ),
}


class DatabaseAway(SQLAlchemyError):
    """Nothing is asked of the database now; `fault` says why."""

    may_be_logged = True

    def __init__(self, fault: DatabaseFault) -> None:
        super().__init__(SENTENCES[fault])
        self.fault = fault


def is_away(error: BaseException) -> bool:
    """Whether an error says that the server is not there, rather than that it refuses a statement."""
    if isinstance(error, DatabaseAway | NoConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    # psycopg gives no SQLSTATE to what the server did not say, such as a connection that cannot be opened.
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") is None


def is_busy(error: BaseException) -> bool:
    """Whether an error says that a file of SQLite did not let us write in time: another one writes."""
    return getattr(getattr(error, "orig", None), "sqlite_errorname", "").startswith("SQLITE_BUSY")


class FaultLog:
    """What the log was told of one process's database: each fault once, and once that it is over. For any thread."""

    def __init__(self) -> None:
        self._tells = threading.Lock()
        self._told_at = NEVER
        self._told: DatabaseFault | None = None
        self._since = 0.0

    @property
    def is_told(self) -> bool:
        """Whether a fault was told that is not over."""
        return self._told is not None

    def note(self, error: Exception) -> None:
        """Say a fault in the log, once until it is over: something was refused because of it."""
        fault = error.fault if isinstance(error, DatabaseAway) else DatabaseFault.SILENT
        with self._tells:
            self._told_at = time.monotonic()
            if self._told is fault:
                return
            self._since = self._since if self._told else time.monotonic()
            self._told = fault
        said = str(getattr(error, "orig", None) or "").strip().partition("\n")[0]
        why, extra = f": {said}" if said else "", {"event": f"database_{fault.value}"}
        logger.warning("%s%s", SENTENCES[fault], why, extra=extra)

    def note_answer(self) -> None:
        """Say that a fault is over, once no fault has come for some seconds: the database has just answered."""
        with self._tells:
            if self._told is None or time.monotonic() - self._told_at < CALM_SECONDS:
                return
            self._told, seconds = None, self._told_at - self._since
        logger.warning("the database serves again, after %.0f s", seconds, extra={"event": "database_serves"})


class Watch:
    """What one process that serves pages knows of its database: whether it is silent, and of which version it is.

    `judge` reads the version of the database, and returns what is wrong with it, or None. `reach` tells whether the
    server takes a new connection in time. `faults` tells the log. Any thread may call any method.
    """

    def __init__(
        self,
        engine: Engine,
        judge: Callable[[Engine], DatabaseFault | None],
        reach: Callable[[], bool] = lambda: True,
        faults: FaultLog | None = None,
    ) -> None:
        self.is_silent, self.faults = False, faults or FaultLog()
        self._engine, self._judge, self._reach = engine, judge, reach
        self._asks = threading.Lock()
        self._asked_at = self._checked_at = NEVER

    def admit(self) -> None:
        """Let a session begin. Raises DatabaseAway, or what the driver raises when the server refuses us."""
        if self.is_silent and not self._answers_again():
            raise DatabaseAway(DatabaseFault.SILENT)
        if not self.faults.is_told and time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        self._checked_at = time.monotonic()  # the others go on by the last verdict meanwhile
        fault: DatabaseFault | None = DatabaseFault.SILENT
        try:
            fault = self._judge(self._engine)
        finally:
            if fault is not None:
                self._checked_at = NEVER
        if fault is not None:
            raise DatabaseAway(fault)
        self.faults.note_answer()

    def answers(self) -> bool:
        """Whether the server works, asked on a connection of its own. It takes `silence.REACH_SECONDS` at most.

        Threads that ask at the same time share one answer.
        """
        with self._asks:
            return self._ask()

    def fall_silent(self) -> None:
        """Refuse all sessions until the server answers again: a connection could not be opened in time."""
        self.is_silent, self._asked_at = True, time.monotonic()

    def note(self, error: Exception) -> None:
        """As `FaultLog.note`, for somebody who was refused; the next session asks for the version again."""
        self._checked_at = NEVER
        self.faults.note(error)

    def _answers_again(self) -> bool:
        """As `answers`, without waiting for another thread that asks."""
        if not self._asks.acquire(blocking=False):
            return False
        try:
            return self._ask()
        finally:
            self._asks.release()

    def _ask(self) -> bool:
        if time.monotonic() - self._asked_at >= AGAIN_SECONDS:
            self.is_silent = not self._reach()
            self._asked_at = time.monotonic()
        return not self.is_silent
