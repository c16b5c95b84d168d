"""A connection that one thread keeps between transactions: getting one costs more than a small transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from outreach.db import Database


class KeptConnection:
    """The connection of one thread that writes again and again. Give it back whenever nothing is to be written."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._of: Database | None = None

    @contextmanager
    def writing(self, database: Database) -> Iterator[Connection]:
        """As `Database.writing`, without a session. After an error the next transaction gets another connection."""
        if self._of is not database:
            self.give_back()
        if self._connection is None or self._connection.closed:
            self._connection, self._of = database.connect(), database
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Give the connection back to the pool, which checks it before the next use."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
