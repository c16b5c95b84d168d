"""Work on a job: leased to one process at a time, ended in the transaction that writes its result."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, select, update

from outreach.core.db import Database, Session
from outreach.core.jobs._models import Job, JobPiece, JobState
from outreach.core.text.errors import OutreachError

PERIOD = timedelta(seconds=20)  # a job of a process that was killed begins again after as long
FURTHEST = 3 * PERIOD  # by which two machines' clocks may differ
MOST_BREAKS = 3
BROKEN = (
    "Cette tâche s’est interrompue trois fois. Demandez moins à la fois, ou signalez-le à l’administration : "
    "le journal du service dit pourquoi."
)


class LeaseLost(OutreachError):
    """The job was cancelled, or another process does it by now: what this one writes of it is refused."""


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition that a job waits, or that the process that did it is gone.

    A lease that ends later than any could is one of a clock that was set back since.
    """
    is_gone = (Job.leased_until < now) | (Job.leased_until > now + FURTHEST)
    return (Job.state == JobState.WAITING) | ((Job.state == JobState.RUNNING) & is_gone)


def anything_due(session: Session, *, now: datetime) -> bool:
    """Whether a job waits for a process."""
    return session.scalar(select(Job.id).where(is_due(now)).limit(1)) is not None


def claim_job(session: Session, *, now: datetime) -> tuple[int, str] | None:
    """Lease the job that waits longest, and return its number and the lease; None where none waits.

    What an earlier attempt wrote of its result is deleted.
    """
    query = select(Job).where(is_due(now)).order_by(Job.id).limit(1).with_for_update(skip_locked=True)
    job = session.scalar(query)
    if job is None:
        return None
    lease = uuid.uuid4().hex
    job.state, job.lease, job.leased_until = JobState.RUNNING, lease, now + PERIOD
    job.began_at, job.done, job.total = now, 0, None
    session.execute(delete(JobPiece).where(JobPiece.job_id == job.id))
    return job.id, lease


def write(session: Session, number: int, holder: str, **values: Any) -> None:
    """Change a job's row as the holder of this lease. Raises LeaseLost, and the transaction has to be undone."""
    held = Job.id == number, Job.lease == holder, Job.state == JobState.RUNNING
    changed = cast("CursorResult[Any]", session.execute(update(Job).where(*held).values(**values)))
    if not changed.rowcount:
        raise LeaseLost("Cette tâche est annulée, ou un autre processus la fait.")


def renew_lease(session: Session, number: int, lease: str, *, now: datetime) -> None:
    """Keep a lease. Raises LeaseLost."""
    write(session, number, lease, leased_until=now + PERIOD)


def end_job(session: Session, number: int, lease: str, state: JobState, *, now: datetime, **values: Any) -> None:
    """Say that a job is over, in the transaction that did it. Raises LeaseLost."""
    write(session, number, lease, state=state, ended_at=now, lease=None, leased_until=None, **values)


def put_back(session: Session, number: int, lease: str, *, now: datetime, broke: bool) -> None:
    """Have another process do a job; the third time that a child died at it (`broke`), it has failed.

    Nothing where the lease is lost already.
    """
    job = session.scalar(select(Job).where(Job.id == number, Job.lease == lease).with_for_update())
    if job is None or job.state is not JobState.RUNNING:
        return
    job.breaks += broke
    if job.breaks >= MOST_BREAKS:
        end_job(session, number, lease, JobState.FAILED, now=now, said=BROKEN)
    else:
        job.state, job.lease, job.leased_until = JobState.WAITING, None, None


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
                write(session, self.number, self.lease, done=done, total=total)

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
            renew_lease(session, self.number, self.lease, now=self.clock())
            session.add(JobPiece(job_id=self.number, place=self._place, content=content))
        self._place += 1
        self._size += len(content)

    def _end(self, session: Session, state: JobState, said: str, **values: object) -> None:
        end_job(session, self.number, self.lease, state, now=self.clock(), said=said, **values)
        self.is_over = True
