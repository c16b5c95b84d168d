"""Letter sources: compose a batch's letters for the postman, in this process or in a forked one.

A forked source composes the next batch while the letters of the current one leave. It reads the database and never
writes. The fence denies letters that were composed too early.
"""

import logging
import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from outreach.db import Database, Session
from outreach.delivery.ledger.letters import Composed, Due, due_in
from outreach.delivery.models import Mailing
from outreach.delivery.sending.batches import Taken

PATIENCE_SECONDS = 10.0  # ten times what a batch takes
PIECE = 48
Compose = Callable[[Session, Mailing, Sequence[Due]], Mapping[int, Composed]]
logger = logging.getLogger(__name__)


class LetterSource:
    """Composes the due letters of a batch."""

    def __init__(self, database: Database, compose: Compose, clock: Callable[[], datetime]) -> None:
        self.database, self.compose, self.clock = database, compose, clock

    def begin(self, taken: Taken, beside: Collection[int]) -> None:
        """Announce that `finish` will be called for these batches, without the letters in `beside`.

        A forked source starts to compose here.
        """

    def finish(self, taken: Taken, beside: Collection[int]) -> list[Composed]:
        """The composed letters that are due in these batches, in order, without those in `beside`."""
        with self.database.reading() as session:
            return [letter for batch in taken for letter in self._of(session, batch, beside)]

    def _of(self, session: Session, batch: int, beside: Collection[int]) -> list[Composed]:
        due = [letter for letter in due_in(session, batch, now=self.clock()) if letter.id not in beside]
        if not due:
            return []
        composed = self.compose(session, session.get_one(Mailing, due[0].mailing_id), due)
        return [composed[letter.id] for letter in due]


class ForkedLetterSource(LetterSource):
    """Has batches composed by a forked process over a pipe; composes them itself when that process fails.

    A thread of its own reads the pipe, while the postman waits for the database or the relay.
    """

    def __init__(self, own: LetterSource, process: int, pipe: Connection) -> None:
        super().__init__(own.database, own.compose, own.clock)
        self.process, self._pipe = process, pipe
        self._reader = ThreadPoolExecutor(1, "source")  # one thread: answers come in the order of the requests
        self._is_lost = False  # the other process has ended or will be killed: what the pipe still holds is no answer
        self._begun: tuple[Taken, Future[list[Composed] | None]] | None = None

    def begin(self, taken: Taken, beside: Collection[int]) -> None:
        """Ask the other process to compose these batches."""
        self._begun = None
        if self._is_lost:
            return
        try:
            self._pipe.send((taken, set(beside)))
            self._begun = taken, self._reader.submit(self._received)
        except OSError as error:
            self._lose(repr(error))

    def finish(self, taken: Taken, beside: Collection[int]) -> list[Composed]:
        """The letters of the batches begun, without those in `beside`, handed over meanwhile."""
        begun, self._begun = self._begun, None
        written = self._awaited(begun[1]) if begun and begun[0] == taken else None
        if written is None:
            return super().finish(taken, beside)
        return [letter for letter in written if letter.id not in beside]

    def close(self) -> None:
        """Kill the other process. It only reads, so nothing is lost."""
        self._is_lost = True
        self._kill()
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)
        self._reader.shutdown()
        self._pipe.close()

    def _awaited(self, answer: "Future[list[Composed] | None]") -> list[Composed] | None:
        """The answer, or None when it does not come within 10 s.

        The process is then killed, which closes its end of the pipe: it may be frozen with half an answer written.
        """
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            self._lose(f"no answer within {PATIENCE_SECONDS:g} seconds")
            return None

    def _lose(self, why: str) -> None:
        """Compose letters in this process from now on. Logged once, as fewer letters leave in a second then."""
        if not self._is_lost:
            self._is_lost = True
            said = "process %s, which composed letters, is lost (%s): this one does until it is started again"
            logger.warning(said, self.process, why)
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)

    def _received(self) -> list[Composed] | None:
        if self._is_lost:
            return None
        letters: list[Composed] = []
        try:
            while some := self._pipe.recv():
                letters += map(Composed._make, some)
        except Exception as error:  # noqa: BLE001 - after any error, the rest of the pipe is not the next answer
            self._lose(repr(error))
            return None
        return None if some is None else letters


@contextmanager
def apart(own: LetterSource, url: str) -> Iterator[ForkedLetterSource]:
    """A letter source with a forked process on the database at `url`, which ends with the block or with this process.

    Call it while this process has one thread and holds no database connection, as it forks.
    """
    ours, theirs = Pipe()
    # The child keeps stop signals blocked: the postman handles them, and may still need letters.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    child = os.fork()
    if not child:
        ours.close()
        _write_what_is_asked(LetterSource(Database(url), own.compose, own.clock), theirs)
    theirs.close()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    source = ForkedLetterSource(own, child, ours)
    try:
        yield source
    finally:
        source.close()


def _write_what_is_asked(source: LetterSource, pipe: Connection) -> None:
    """Compose the batches requested over the pipe until its other end closes. Never returns."""
    try:
        while True:
            for some in _pieces(_tried(source, *pipe.recv())):
                pipe.send(some)
    except (OSError, EOFError):
        pass
    finally:
        os._exit(0)


def _pieces(written: Sequence[Composed] | None) -> Iterator[Sequence[tuple[Any, ...]] | None]:
    """Letters in pieces of 48, so that neither process holds a batch twice, then an empty piece; None for a failure.

    They are sent as plain tuples, which costs a third of sending named tuples.
    """
    if written is None:
        yield None
        return
    for start in range(0, len(written), PIECE):
        yield list(map(tuple, written[start : start + PIECE]))
    yield []


def _tried(source: LetterSource, taken: Taken, beside: Collection[int]) -> list[Composed] | None:
    try:
        return source.finish(taken, beside)
    except Exception:  # noqa: BLE001 - the postman's process then composes the batch itself, and reports the error
        return None
