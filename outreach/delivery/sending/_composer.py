"""Letter sources: compose a batch's letters for the dispatcher, in this process or in a forked one.

A forked source composes the next batch while the letters of the current one leave. It reads the database and never
writes. The commit gate denies letters that were composed too early.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

from outreach.core.db import Database, Session
from outreach.delivery.models import Mailing
from outreach.delivery.outbox import Composed, Due, due_in
from outreach.delivery.sending._rounds import Taken

PATIENCE_SECONDS = 10.0  # ten times what a batch takes
PIECE = 48
SAID_AGAIN_SECONDS = 600.0
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

    A process that is lost is replaced before the next batch. A thread of its own reads the pipe, while the dispatcher
    waits for the database or the relay.
    """

    def __init__(self, own: LetterSource, keeper: "Keeper") -> None:
        super().__init__(own.database, own.compose, own.clock)
        self._keeper, self._composer = keeper, keeper.composer()
        self._reader = ThreadPoolExecutor(1, "source")  # one thread: answers come in the order of the requests
        self._begun: tuple[Taken, Future[list[Composed] | None]] | None = None
        self._is_closed, self._said_at = False, -SAID_AGAIN_SECONDS

    @property
    def process(self) -> int:
        """The process that composes, or did last."""
        return self._composer.process

    def begin(self, taken: Taken, beside: Collection[int]) -> None:
        """Ask the other process to compose these batches."""
        self._begun = None
        if self._composer.is_lost:
            self._replace()
        composer = self._composer
        if composer.is_lost:
            return
        try:
            composer.pipe.send((taken, set(beside)))
            self._begun = taken, self._reader.submit(self._received, composer)
        except OSError as error:
            self._lose(composer, repr(error))

    def finish(self, taken: Taken, beside: Collection[int]) -> list[Composed]:
        """The letters of the batches begun, without those in `beside`, handed over meanwhile."""
        begun, self._begun = self._begun, None
        written = self._awaited(begun[1]) if begun and begun[0] == taken else None
        if written is None:
            return super().finish(taken, beside)
        return [letter for letter in written if letter.id not in beside]

    def close(self) -> None:
        """Kill the other process. It only reads, so nothing is lost."""
        self._is_closed = True
        self._composer.kill()
        self._reader.shutdown()
        self._composer.pipe.close()

    def _replace(self) -> None:
        lost = self._composer
        try:
            self._composer = self._keeper.composer()
        except OSError as error:
            self._say(f"no process composes letters in its place: {error!r}")
        else:
            self._reader.submit(lost.pipe.close)  # after what still reads it

    def _awaited(self, answer: "Future[list[Composed] | None]") -> list[Composed] | None:
        """The answer, or None when it does not come within 10 s.

        The process is then killed, which closes its end of the pipe: it may be frozen with half an answer written.
        """
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            self._lose(self._composer, f"no answer within {PATIENCE_SECONDS:g} seconds")
            return None

    def _lose(self, composer: "Composing", why: str) -> None:
        """Compose letters in this process until another one does."""
        if not composer.is_lost and not self._is_closed:
            self._say(
                f"process {composer.process}, which composed letters, is lost ({why}): another one takes its place"
            )
        composer.kill()

    def _say(self, what: str) -> None:
        """A line of the log, every ten minutes at most: each batch may meet the same fault."""
        if time.monotonic() - self._said_at >= SAID_AGAIN_SECONDS:
            self._said_at = time.monotonic()
            logger.warning("%s", what, extra={"event": "composer_lost"})

    def _received(self, composer: "Composing") -> list[Composed] | None:
        if composer.is_lost:
            return None
        letters: list[Composed] = []
        try:
            while some := composer.pipe.recv():
                letters += map(Composed._make, some)
        except Exception as error:  # noqa: BLE001 - after any error, the rest of the pipe is not the next answer
            self._lose(composer, repr(error))
            return None
        return None if some is None else letters


class Composing:
    """A process that composes, and our end of the pipe to it. Once lost, what the pipe still holds is no answer."""

    def __init__(self, process: int, pipe: Connection) -> None:
        self.process, self.pipe, self.is_lost, self._once = process, pipe, False, threading.Lock()
        self._handle = os.pidfd_open(process)  # its number may be another process's once it has ended

    def kill(self) -> None:
        """Kill the process, once, whichever thread asks."""
        with self._once:
            if self.is_lost:
                return
            self.is_lost = True
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            os.close(self._handle)


class Keeper:
    """A process that forks those that compose, and reaps them, since the dispatcher's own has threads and connections.

    Call `begin` while this process has one thread and holds no database connection, as it forks.
    """

    def __init__(self, process: int, line: Connection) -> None:
        self.process, self._line = process, line

    @classmethod
    def begin(cls, own: LetterSource, url: str) -> "Keeper":
        """Fork a keeper of processes that compose from the database at `url`. It ends with this process."""
        ours, theirs = Pipe()
        # The children keep stop signals blocked: the dispatcher handles them, and may still need letters.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        child = os.fork()
        if not child:
            ours.close()
            _fork_on_request(theirs, own, url)
        theirs.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return cls(child, ours)

    def composer(self) -> Composing:
        """A new process that composes. Raises OSError when the keeper is gone."""
        ours, theirs = Pipe()
        with theirs:
            send_handle(self._line, theirs.fileno(), self.process)
        if not self._line.poll(PATIENCE_SECONDS):
            self._line.close()  # a late answer would be taken for the next
            raise TimeoutError("the process that starts others does not answer")
        try:
            return Composing(self._line.recv(), ours)
        except EOFError:
            raise ConnectionError("the process that starts others is gone") from None

    def end(self) -> None:
        """End the keeper, and reap it."""
        self._line.close()
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)  # it may be frozen
        with suppress(ChildProcessError):
            os.waitpid(self.process, 0)


@contextmanager
def forked_source(own: LetterSource, url: str) -> Iterator[ForkedLetterSource]:
    """A letter source with a forked process on the database at `url`, which ends with the block or with this process.

    Call it while this process has one thread and holds no database connection, as it forks.
    """
    keeper = Keeper.begin(own, url)
    source = ForkedLetterSource(own, keeper)
    try:
        yield source
    finally:
        source.close()
        keeper.end()


def _fork_on_request(line: Connection, own: LetterSource, url: str) -> None:
    """Fork a process that composes for each pipe that comes over the line, until it closes. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the kernel reaps them
    try:
        while True:
            pipe = recv_handle(line)
            child = os.fork()
            if not child:
                line.close()
                _write_what_is_asked(LetterSource(Database(url), own.compose, own.clock), Connection(pipe))
            os.close(pipe)
            line.send(child)
    except (OSError, EOFError):
        pass
    finally:
        os._exit(0)


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
    except Exception:  # noqa: BLE001 - the dispatcher's process then composes the batch itself, and reports the error
        return None
