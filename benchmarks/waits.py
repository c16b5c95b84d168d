"""How long the processes of a PostgreSQL server wait for locks, sampled twenty times a second."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

EVERY = 0.05  # seconds
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() "
    "AND pid <> pg_backend_pid()"
)


class LockWatch:
    """Adds up, while it is entered, the seconds that processes of a database wait for locks of rows and turns.

    Two that wait for a second are two seconds. `seconds` and `cpu_s`, which the watch itself costs the server, are
    known at the end. Short locks within the server (LWLock) are no part of it.
    """

    def __init__(self, url: str) -> None:
        self.seconds = self.cpu_s = 0.0
        self._url, self._over = url, threading.Event()
        self._thread = threading.Thread(target=self._look, name="locks")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: object, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            cost, last = Path(f"/proc/{connection.info.backend_pid}/schedstat"), time.monotonic()
            while not self._over.wait(EVERY):
                (waiting,) = connection.execute(WAITING).fetchone() or (0,)
                now = time.monotonic()
                self.seconds, last = self.seconds + waiting * (now - last), now
            self.cpu_s = int(cost.read_text(encoding="ascii").split()[0]) / 1e9
