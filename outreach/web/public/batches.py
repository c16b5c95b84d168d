"""Group commit: one thread handles what many requests bring, together; each request waits for its own result."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from outreach.db import NO_ANSWER
from outreach.logs import told

PATIENCE_SECONDS, REST_SECONDS = 5.0, 1.0
MOST_AT_ONCE, MOST_WAITING = 500, 10_000
Given = TypeVar("Given")
Made = TypeVar("Made")
logger = logging.getLogger(__name__)


class NotHandled(Exception):
    """The database failed or took too long: what was brought is not handled, or will be too late."""


class Batches(Generic[Given, Made]):
    """Handles what threads bring, all that waits at once, in one thread that starts with the first request.

    `what` says in the log what became of a batch that failed, after its number: “links were not looked up”. `handle`
    gets a batch and returns a result for each of it. `rest` is called once nothing has come for a second.

    A request waits at a lock of its own: threads that wait for one lock would pass it on one by one, each with the
    interpreter's lock besides.
    """

    def __init__(
        self,
        what: str,
        handle: Callable[[Sequence[Given]], Sequence[Made]],
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._what, self._handle, self._rest, self._starts = what, handle, rest, threading.Lock()
        self._waiting: SimpleQueue[Brought[Given, Made]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since = float("inf")
        self._is_failing = False  # the log says so once, until a batch is handled

    def put(self, given: Given) -> Made:
        """The result for what is given, once its batch is handled. Raises NotHandled when it is not, or not in time.

        While a batch takes longer than a request may wait, nobody waits for the next: it is handled in its turn, for
        nobody.
        """
        mine: Brought[Given, Made] = Brought(given)
        if self._waiting.qsize() >= MOST_WAITING:
            raise NotHandled
        self._waiting.put(mine)
        if self._thread is None or not self._thread.is_alive():  # a process that was forked has no thread
            self._start()
        if time.monotonic() - self._busy_since > PATIENCE_SECONDS or not mine.over.acquire(timeout=PATIENCE_SECONDS):
            raise NotHandled
        return mine.result()

    def _start(self) -> None:
        with self._starts:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._first()]
            try:
                while len(batch) < MOST_AT_ONCE:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                pass
            self._busy_since = time.monotonic()
            self._handle_all(batch)
            self._busy_since = float("inf")

    def _first(self) -> "Brought[Given, Made]":
        try:
            return self._waiting.get(timeout=REST_SECONDS)
        except Empty:
            self._rest()
            return self._waiting.get()

    def _handle_all(self, batch: "Sequence[Brought[Given, Made]]") -> None:
        try:
            for brought, made in zip(batch, self._handle([brought.given for brought in batch]), strict=True):
                brought.made = (made,)
            self._is_failing = False
        except NO_ANSWER as error:
            if not self._is_failing:
                said = "%s %s, nor may those that follow: %s"
                logger.warning(said, len(batch), self._what, told(error), extra={"event": "batch_unhandled"})
            self._is_failing = True
        except Exception:  # the reader gets the pixel or the link even when we fail
            logger.exception("%s %s", len(batch), self._what, extra={"event": "batch_failed"})
        finally:
            for brought in batch:
                brought.over.release()


class Brought(Generic[Given, Made]):
    """What one request brings, and the lock it waits at for what is made of it."""

    __slots__ = ("given", "made", "over")

    def __init__(self, given: Given) -> None:
        self.given, self.over = given, threading.Lock()
        self.made: tuple[Made] | None = None
        self.over.acquire()

    def result(self) -> Made:
        """What was made of it. Raises NotHandled when that failed."""
        if self.made is None:
            raise NotHandled
        return self.made[0]
