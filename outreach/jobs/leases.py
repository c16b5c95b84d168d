"""Leases of jobs: one process at a time does a job, and one that lost its lease writes nothing of it any more."""

import uuid
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, select, update

from outreach.db import Session
from outreach.errors import OutreachError
from outreach.jobs.models import Job, JobPiece, JobState

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


def claim(session: Session, *, now: datetime) -> tuple[int, str] | None:
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


def renew(session: Session, number: int, lease: str, *, now: datetime) -> None:
    """Keep a lease. Raises LeaseLost."""
    write(session, number, lease, leased_until=now + PERIOD)


def end(session: Session, number: int, lease: str, state: JobState, *, now: datetime, **values: Any) -> None:
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
        end(session, number, lease, JobState.FAILED, now=now, said=BROKEN)
    else:
        job.state, job.lease, job.leased_until = JobState.WAITING, None, None
