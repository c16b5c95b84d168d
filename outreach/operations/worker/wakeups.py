"""Wake-ups from one work process to another, over a shared broker.

Only idle processes get them: a process takes one wake-up at a time, and acknowledges it once its work is done. Nothing
depends on a wake-up: the database knows what is due, and every clock sends it again. So each pass of a clock discards
the wake-ups that nobody took, and a process whose broker does not answer wakes itself.
"""

import logging
from collections.abc import Callable

from dramatiq import Worker, actor
from sqlalchemy import text

from outreach.core.db import Session

LISTEN_MILLISECONDS = 500  # how long an idle process may take to get a wake-up
CLOSE_MILLISECONDS = 1_000  # at most, for a broker that does not answer
logger = logging.getLogger(__name__)


def queue_of(session: Session, about: str = "wakeups") -> str:
    """The queue of a PostgreSQL database for wake-ups about letters, or about something else.

    Installations that share a broker do not get each other's wake-ups.
    """
    query = "SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
    cluster, number = session.execute(text(query)).one()
    return f"{about}-{cluster}-{number}"


class Wakeups:
    """The wake-ups that one work process sends and receives."""

    def __init__(self, url: str, queue: str, answer: Callable[[int], None]) -> None:
        from outreach.operations.worker import brokers  # noqa: PLC0415 - a process without a broker holds no Redis

        self._broker, self._queue = brokers.opened(url), queue
        self._wake_up = actor(broker=self._broker, queue_name=queue, actor_name="wake")(answer)
        self._worker = Worker(self._broker, worker_threads=1, worker_timeout=LISTEN_MILLISECONDS)
        self._worker.queue_prefetch = 1
        self._is_silent = False  # the broker did not answer, and is not tried before the next pass of the clock
        self._passed_on: set[int] = set()

    def open(self) -> None:
        """Start to receive. Wake-ups are handled in a thread of their own."""
        self.clear()
        self._worker.start()

    def close(self) -> None:
        """Stop receiving; a wake-up that was not acknowledged goes to another process."""
        try:
            self._worker.stop(CLOSE_MILLISECONDS)
            self._broker.close()
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the process ends in order
            logger.warning(
                "the broker of wake-ups could not be left in order: %s", _said(error), extra={"event": "broker_left"}
            )

    def clear(self) -> None:
        """At each pass of the clock: discard the wake-ups that nobody took, and try a silent broker again."""
        was_silent, self._is_silent = self._is_silent, False
        self._passed_on.clear()
        if self._does(lambda: self._broker.flush(self._queue), is_news=not was_silent) and was_silent:
            logger.warning("the broker of wake-ups answers again", extra={"event": "broker_answers"})

    def wake(self, mailing: int) -> bool:
        """Wake any idle process for a mailing. False when the broker does not answer."""
        return self._does(lambda: self._wake_up.send(mailing))

    def pass_on(self, mailing: int) -> None:
        """Wake one more process, once a mailing between two passes of the clock: each wakes one, until all work."""
        if mailing not in self._passed_on:
            self._passed_on.add(mailing)
            self.wake(mailing)

    def _does(self, request: Callable[[], object], *, is_news: bool = True) -> bool:
        if self._is_silent:
            return False
        try:
            request()
        except Exception as error:  # noqa: BLE001 - each library raises errors of its own, and none may end the process
            self._is_silent = True
            if is_news:
                said = "the broker of wake-ups is silent, this process wakes itself: %s"
                logger.warning(said, _said(error), extra={"event": "broker_silent"})
            return False
        return True


def _said(error: Exception) -> str:
    return f"{type(error).__name__} {error}"
