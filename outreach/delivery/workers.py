"""The workers (processes that send), and the clock's last pass."""

import os
import uuid
from datetime import datetime, timedelta

from sqlalchemy import select, update

from outreach.db import Session, take_turns
from outreach.delivery.models import ClockPass, Worker

CLOCK_IS_LATE = timedelta(seconds=30)


def join_in(session: Session, *, now: datetime) -> str:
    """Register a new worker; returns its identity."""
    worker = Worker(id=uuid.uuid4().hex, place=f"{os.uname().nodename}:{os.getpid()}", started_at=now, seen_at=now)
    session.add(worker)
    return worker.id


def give_sign(session: Session, worker_id: str, *, now: datetime) -> None:
    """Record that a worker is alive."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=now))


def leave(session: Session, worker_id: str, *, now: datetime) -> None:
    """Record that a worker stopped in order."""
    session.execute(update(Worker).where(Worker.id == worker_id).values(seen_at=now, stopped_at=now))


def clock_passed(session: Session, hindrance: str, *, now: datetime) -> None:
    """Record a pass of the clock; `hindrance` says in French what keeps letters from leaving, or ''."""
    take_turns(session, "clock")
    passed = session.get(ClockPass, 1)
    if passed is None:
        session.add(ClockPass(id=1, at=now, hindrance=hindrance))
    else:
        passed.at, passed.hindrance = now, hindrance


def last_pass(session: Session) -> ClockPass | None:
    """The clock's last pass, or None when it never ran."""
    return session.scalar(select(ClockPass))
