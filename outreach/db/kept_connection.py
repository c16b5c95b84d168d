"""A connection that one thread keeps between transactions: getting one costs more than a small transaction."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from sqlalchemy.engine import Connection

from outreach.db import Database
from outreach.logs import told

logger = logging.getLogger(__name__)


class KeptConnection:
    """The connection of one thread that writes again and again. Give it back whenever nothing is to be written.

    On SQLite, those of several processes take turns at a file beside the database. Without it each would sleep and look
    again, for up to a tenth of a second each time, while the other takes the database again and again.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._turns: FileIO | None = None
        self._of: Database | None = None
        self._has_warned = False

    @contextmanager
    def writing(self, database: Database) -> Iterator[Connection]:
        """As `Database.writing`, without a session. After an error the next transaction gets another connection."""
        if self._of is not database:
            self.give_back()
        try:
            self._take_turn(database)
            if self._connection is None or self._connection.closed:
                self._connection, self._of = database.connect(), database
            with self._connection.begin():
                yield self._connection
            if self._turns is not None:
                fcntl.flock(self._turns, fcntl.LOCK_UN)
        except BaseException:
            self.give_back()
            raise

    def _take_turn(self, database: Database) -> None:
        """Wait for our turn. Where the file cannot be locked, go on without: turns only save time."""
        try:
            self._turns = self._turns or _turns_of(database)
            if self._turns is not None:
                fcntl.flock(self._turns, fcntl.LOCK_EX)
        except OSError as error:
            self._turns = None
            if not self._has_warned:
                said = "writers do not take turns, so hits are stored more slowly: %s"
                logger.warning(said, told(error), extra={"event": "no_turns"})
            self._has_warned = True

    def give_back(self) -> None:
        """Give the connection back to the pool, which checks it before the next use."""
        connection, turns, self._connection, self._turns = self._connection, self._turns, None, None
        if turns is not None:
            turns.close()  # and unlocks it
        if connection is not None:
            connection.close()


def _turns_of(database: Database) -> FileIO | None:
    """The file beside an SQLite database that writers lock, or None."""
    place = database.engine.url.database
    if database.engine.dialect.name != "sqlite" or not place or place == ":memory:":
        return None
    return Path(f"{place}-turns").open("ab", buffering=0)
