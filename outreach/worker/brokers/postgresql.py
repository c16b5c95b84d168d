"""The PostgreSQL broker, in a schema of its own (`dramatiq`), which is created on first use."""

import logging

from dramatiq_postgres import PostgresBroker, init
from dramatiq_postgres.utils import getconn
from psycopg_pool import ConnectionPool
from tenacity import stop_after_attempt

from outreach.worker.brokers import PATIENCE_SECONDS

MOST_CONNECTIONS = 6  # two that listen, one that is notified, and those that send wake-ups
FORGOTTEN = "DELETE FROM dramatiq.queue WHERE queue_name = %s AND state = 'queued'"

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns at each of its attempts
# The library tries ten times, with longer and longer pauses, for minutes in all.
# A wake-up is not worth that: the next one comes soon.
for asked in (PostgresBroker.enqueue, getconn):
    asked.retry.stop = stop_after_attempt(1)


class PostgresqlWakeups(PostgresBroker):
    """A broker that creates its tables and supports `flush`."""

    def __init__(self, pool: ConnectionPool) -> None:
        super().__init__(pool=pool, results=False, middleware=[])
        self._is_ready = False

    def flush(self, queue_name: str) -> None:
        """Discard the messages that nobody took. Raises psycopg.Error."""
        with self.pool.connection() as connection, connection.cursor() as cursor:
            self._is_ready = self._is_ready or init(cursor) is not None
            cursor.execute(FORGOTTEN, (queue_name,))

    def close(self) -> None:
        """Close every connection."""
        super().close()
        self.pool.close(PATIENCE_SECONDS)


def opened(url: str) -> PostgresqlWakeups:
    """The broker at `postgresql://`."""
    pool = ConnectionPool(
        url,
        min_size=0,
        max_size=MOST_CONNECTIONS,
        timeout=PATIENCE_SECONDS,
        kwargs={"connect_timeout": PATIENCE_SECONDS, "application_name": "outreach wake-ups"},
        check=ConnectionPool.check_connection,
        open=True,
    )
    return PostgresqlWakeups(pool)
