"""The workers (processes that send), and the last pass of each installation's clock."""

import os
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update

from outreach.db import Session, take_turns
from outreach.delivery.models import ClockPass, Worker

CLOCK_IS_LATE = timedelta(seconds=30)
OUTLIVED = timedelta(days=1)  # then whoever runs the service has decided to do without this installation


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


def clock_passed(session: Session, hindrance: str, *, place: str, now: datetime) -> None:
    """Record a pass of the clock of the installation at `place`.

    `hindrance` says in French what keeps letters from leaving there, or ''.
    """
    take_turns(session, "clock", place)
    passed = session.scalar(select(ClockPass).where(ClockPass.place == place))
    if passed is None:
        session.add(ClockPass(place=place, at=now, hindrance=hindrance))
    else:
        passed.at, passed.hindrance = now, hindrance


def last_pass(session: Session) -> ClockPass | None:
    """The latest pass of any clock, or None when none ever ran."""
    return session.scalar(select(ClockPass).order_by(ClockPass.at.desc(), ClockPass.id).limit(1))


def last_passes(session: Session) -> list[ClockPass]:
    """The last pass of each installation's clock, by place, without those that others have outlived by a day."""
    passes = session.scalars(select(ClockPass).order_by(ClockPass.place)).all()
    return [passed for passed in passes if not _is_outlived(passed, passes)]


def outlived(session: Session) -> list[str]:
    """The places of installations whose clock has not passed for a day before another one's last pass."""
    passes = session.scalars(select(ClockPass)).all()
    return [passed.place for passed in passes if _is_outlived(passed, passes)]


def _is_outlived(passed: ClockPass, passes: Sequence[ClockPass]) -> bool:
    return any(passed.at < other.at - OUTLIVED for other in passes)
