"""What does a job: it says how far it is, writes the result, and ends the job in the transaction that did it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from outreach.db import Database, Session
from outreach.jobs import leases
from outreach.jobs.models import JobPiece, JobState

PIECE_BYTES = 1_000_000
SAID_EVERY = timedelta(seconds=1)


class JobWork:
    """A job under way, for the process that holds its lease.

    Each of these raises LeaseLost once the job was cancelled, or is another process's.
    """

    def __init__(self, database: Database, number: int, lease: str, clock: Callable[[], datetime]) -> None:
        self.database, self.number, self.lease, self.clock = database, number, lease, clock
        self.is_over = False
        self._buffer, self._place, self._size = bytearray(), 0, 0
        self._said_at, self._told = clock(), ""

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far it is; at most once a second this is written."""
        now = self.clock()
        if abs(now - self._said_at) >= SAID_EVERY:
            self._said_at = now
            with self.database.writing() as session:
                leases.write(session, self.number, self.lease, done=done, total=total)

    def write(self, content: bytes) -> None:
        """Write more of the result."""
        self._buffer += content
        while len(self._buffer) >= PIECE_BYTES:
            self._keep(bytes(self._buffer[:PIECE_BYTES]))
            del self._buffer[:PIECE_BYTES]

    def save(self, file_name: str, mimetype: str) -> None:
        """End the job: what was written is its file."""
        if self._buffer:
            self._keep(bytes(self._buffer))
        with self.database.writing() as session:
            about = {"file_name": file_name, "mimetype": mimetype, "size": self._size}
            self._end(session, JobState.DONE, "", **about)

    def fail(self, said: str) -> None:
        """End the job: it failed, for this reason in French."""
        with self.database.writing() as session:
            self._end(session, JobState.FAILED, said)

    @contextmanager
    def finishing(self) -> Iterator[Session]:
        """One transaction that does the work and ends the job: both are so, or neither."""
        with self.database.writing() as session:
            yield session  # the lease is asked for last: its row stays free for whoever renews it, or cancels the job
            self._end(session, JobState.DONE, self._told)

    def tell(self, said: str) -> None:
        """Say, in French, what comes of the job, within `finishing`: its child may be ended as soon as it is done."""
        self._told = said

    def _keep(self, content: bytes) -> None:
        with self.database.writing() as session:
            leases.renew(session, self.number, self.lease, now=self.clock())
            session.add(JobPiece(job_id=self.number, place=self._place, content=content))
        self._place += 1
        self._size += len(content)

    def _end(self, session: Session, state: JobState, said: str, **values: object) -> None:
        leases.end(session, self.number, self.lease, state, now=self.clock(), said=said, **values)
        self.is_over = True
