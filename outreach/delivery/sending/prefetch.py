"""The source: writes a batch's letters for the postman, himself or in a process of his own.

Apart, the next batch is composed while the letters of this one leave. It reads and never writes: whatever is composed
too early, the fence denies.
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

PATIENCE_SECONDS = 10.0  # a batch takes a tenth
PIECE = 48
Compose = Callable[[Session, Mailing, Sequence[Due]], Mapping[int, Composed]]
logger = logging.getLogger(__name__)


class LetterSource:
    """Composes what is due in a batch, when asked for it."""

    def __init__(self, database: Database, compose: Compose, clock: Callable[[], datetime]) -> None:
        self.database, self.compose, self.clock = database, compose, clock

    def begin(self, batch: int, beside: Collection[int]) -> None:
        """A batch will be asked for, but for these letters: a source who works apart begins."""

    def finish(self, batch: int, beside: Collection[int]) -> list[Composed]:
        """The letters that are due in a batch, in order, but for these."""
        with self.database.reading() as session:
            due = [letter for letter in due_in(session, batch, now=self.clock()) if letter.id not in beside]
            if not due:
                return []
            composed = self.compose(session, session.get_one(Mailing, due[0].mailing_id), due)
        return [composed[letter.id] for letter in due]


class ForkedLetterSource(LetterSource):
    """Has batches composed by another process at the end of a pipe; what that one cannot, he does himself.

    What comes is read by a thread of its own, while the postman waits for the database or for the relay.
    """

    def __init__(self, own: LetterSource, process: int, pipe: Connection) -> None:
        super().__init__(own.database, own.compose, own.clock)
        self.process, self._pipe = process, pipe
        self._reader = ThreadPoolExecutor(1, "source")  # answers come in the order of what was asked
        self._is_lost = False  # the other process is ended, or will be: what the pipe still holds is no answer
        self._begun: tuple[int, Future[list[Composed] | None]] | None = None

    def begin(self, batch: int, beside: Collection[int]) -> None:
        """Have a batch begun."""
        self._begun = None
        if self._is_lost:
            return
        try:
            self._pipe.send((batch, set(beside)))
            self._begun = batch, self._reader.submit(self._received)
        except OSError as error:
            self._lose(repr(error))

    def finish(self, batch: int, beside: Collection[int]) -> list[Composed]:
        """What was begun, but for letters that are under way since."""
        begun, self._begun = self._begun, None
        written = self._awaited(begun[1]) if begun and begun[0] == batch else None
        if written is None:
            return super().finish(batch, beside)
        return [letter for letter in written if letter.id not in beside]

    def close(self) -> None:
        """End the other process: it only reads."""
        self._is_lost = True
        self._kill()
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)
        self._reader.shutdown()
        self._pipe.close()

    def _awaited(self, answer: "Future[list[Composed] | None]") -> list[Composed] | None:
        """Who is frozen, perhaps with half an answer written, is ended: its end of the pipe closes."""
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            self._lose(f"no answer within {PATIENCE_SECONDS:g} seconds")
            return None

    def _lose(self, why: str) -> None:
        """Letters are composed here from now on, which is said once: fewer leave in a second."""
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
        except Exception as error:  # noqa: BLE001 - whatever it was: the rest of it is not the next answer
            self._lose(repr(error))
            return None
        return None if some is None else letters


@contextmanager
def apart(own: LetterSource, url: str) -> Iterator[ForkedLetterSource]:
    """A source with a process of its own on the database at `url`, until the block ends, or this process does.

    To be called while this process has one thread and holds no connection to a database: it is forked.
    """
    ours, theirs = Pipe()
    # A stop is for the postman to hear, who may still want a letter.
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
    """Until nobody is at the other end."""
    try:
        while True:
            for some in _pieces(_tried(source, *pipe.recv())):
                pipe.send(some)
    except (OSError, EOFError):
        pass
    finally:
        os._exit(0)


def _pieces(written: Sequence[Composed] | None) -> Iterator[Sequence[tuple[Any, ...]] | None]:
    """Letters by some dozens, for neither process to hold a batch once more, then an empty piece; None for no answer.

    They go as plain tuples: a third of what named ones would cost.
    """
    if written is None:
        yield None
        return
    for start in range(0, len(written), PIECE):
        yield list(map(tuple, written[start : start + PIECE]))
    yield []


def _tried(source: LetterSource, batch: int, beside: Collection[int]) -> list[Composed] | None:
    try:
        return source.finish(batch, beside)
    except Exception:  # noqa: BLE001 - the postman tries himself, and says what is wrong
        return None
