"""The scribe: writes a batch's letters for the postman, himself or in a process of his own.

Apart, the next batch is composed while the letters of this one leave. It reads and never writes: whatever is composed
too early, the fence denies.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from outreach.db import Database, Session
from outreach.delivery import fence
from outreach.delivery.fence import Composed, Due
from outreach.delivery.models import Mailing

PATIENCE_SECONDS = 10.0  # a batch takes a tenth
PIECE = 48
Compose = Callable[[Session, Mailing, Sequence[Due]], Mapping[int, Composed]]


class Scribe:
    """Composes what is due in a batch, when asked for it."""

    def __init__(self, database: Database, compose: Compose, clock: Callable[[], datetime]) -> None:
        self.database, self.compose, self.clock = database, compose, clock

    def begin(self, batch: int, beside: Collection[int]) -> None:
        """A batch will be asked for, but for these letters: a scribe who works apart begins."""

    def finish(self, batch: int, beside: Collection[int]) -> list[Composed]:
        """The letters that are due in a batch, in order, but for these."""
        with self.database.reading() as session:
            due = [one for one in fence.due_in(session, batch, now=self.clock()) if one.id not in beside]
            if not due:
                return []
            composed = self.compose(session, session.get_one(Mailing, due[0].mailing_id), due)
        return [composed[one.id] for one in due]


class ScribeApart(Scribe):
    """Has batches composed by another process at the end of a pipe; what that one cannot, he does himself."""

    def __init__(self, own: Scribe, process: int, pipe: Connection) -> None:
        super().__init__(own.database, own.compose, own.clock)
        self.process, self._pipe = process, pipe
        self._asked = 0  # requests so far: an answer to an older one may still be on its way
        self._begun: int | None = None

    def begin(self, batch: int, beside: Collection[int]) -> None:
        """Have a batch begun."""
        self._asked += 1
        try:
            self._pipe.send((self._asked, batch, set(beside)))
            self._begun = batch
        except OSError:
            self._begun = None

    def finish(self, batch: int, beside: Collection[int]) -> list[Composed]:
        """What was begun, but for letters that are under way since."""
        written = self._received() if self._begun == batch else None
        self._begun = None
        if written is None:
            return super().finish(batch, beside)
        return [letter for letter in written if letter.id not in beside]

    def _received(self) -> list[Composed] | None:
        found: list[Composed] = []
        with self._patience():
            try:
                while True:
                    asked, some = self._pipe.recv()
                    if asked != self._asked:
                        continue
                    if not some:
                        return None if some is None else found
                    found += map(Composed._make, some)
            except (OSError, EOFError):
                return None

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Who is frozen, perhaps with half an answer written, is ended: its end of the pipe closes."""
        late = threading.Timer(PATIENCE_SECONDS, os.kill, (self.process, signal.SIGKILL))
        late.start()
        try:
            yield
        finally:
            late.cancel()


@contextmanager
def apart(own: Scribe, url: str) -> Iterator[ScribeApart]:
    """A scribe with a process of its own on the database at `url`, until the block ends, or this process does.

    To be called while this process has one thread and holds no connection to a database: it is forked.
    """
    ours, theirs = Pipe()
    # A stop is for the postman to hear, who may still want a letter.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    child = os.fork()
    if not child:
        ours.close()
        _write_what_is_asked(Scribe(Database(url), own.compose, own.clock), theirs)
    theirs.close()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        yield ScribeApart(own, child, ours)
    finally:
        ours.close()
        os.waitpid(child, 0)


def _write_what_is_asked(scribe: Scribe, pipe: Connection) -> None:
    """Until nobody is at the other end."""
    try:
        while True:
            asked, batch, beside = pipe.recv()
            for some in _pieces(_tried(scribe, batch, beside)):
                pipe.send((asked, some))
    except (OSError, EOFError):
        pass
    finally:
        os._exit(0)


def _pieces(written: Sequence[Composed] | None) -> Iterator[Sequence[tuple[Any, ...]] | None]:
    """Letters by some dozens, for none of the two to hold a batch once more, then an empty piece; None for no answer.

    They go as plain tuples: a third of what named ones would cost.
    """
    if written is None:
        yield None
        return
    for start in range(0, len(written), PIECE):
        yield list(map(tuple, written[start : start + PIECE]))
    yield []


def _tried(scribe: Scribe, batch: int, beside: Collection[int]) -> list[Composed] | None:
    try:
        return scribe.finish(batch, beside)
    except Exception:  # noqa: BLE001 - the postman tries himself, and says what is wrong
        return None
