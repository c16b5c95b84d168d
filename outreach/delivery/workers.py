"""The workers (processes that send), and the last pass of each installation's clock."""

import os
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select, update

from outreach import french
from outreach.db import Session, take_turns
from outreach.delivery.models import Gate, Mailing, Message, MessageState, is_in
from outreach.delivery.places import ClockPass, Worker
from outreach.delivery.smtp.pool import Overdue

CLOCK_IS_LATE = timedelta(seconds=30)
OUTLIVED = timedelta(days=1)  # then whoever runs the service has decided to do without this installation


def join_in(session: Session, *, now: datetime) -> str:
    """Register a new worker; returns its identity."""
    worker = Worker(id=uuid.uuid4().hex, place=f"{os.uname().nodename}:{os.getpid()}", started_at=now, seen_at=now)
    session.add(worker)
    return worker.id


class OverdueRelay(NamedTuple):
    """A worker, at `place`, that waits for a relay; `behind` counts the letters that are due meanwhile."""

    relay: str
    place: str
    since: datetime
    connections: int
    behind: int

    @property
    def sentence(self) -> str:
        """The relay that is waited for, since when, in French."""
        owing = french.plural(self.connections, "connexion")
        behind = french.plural(self.behind, "courriel est prêt", "courriels sont prêts")
        since = french.moment(self.since)
        return (
            f"Le serveur d’envoi {self.relay} fait attendre {owing} depuis le {since} ({self.place}) ; "
            f"{behind} à partir."
        )

    def as_json(self) -> dict[str, object]:
        """The same for machines, the time in UTC."""
        return {**self._asdict(), "since": self.since.isoformat()}


def give_sign(session: Session, worker_id: str, *, now: datetime, overdue: Overdue | None = None) -> None:
    """Record that a worker is alive, and what it waits for."""
    relay, count, seconds = overdue or ("", 0, 0.0)
    since = now - timedelta(seconds=seconds) if overdue else None
    sign = update(Worker).where(Worker.id == worker_id)
    session.execute(sign.values(seen_at=now, waits_for=relay, waits_on=count, waits_since=since))


def waiting(session: Session, *, now: datetime) -> list[OverdueRelay]:
    """The waits of the workers that were seen in the last 30 s, the longest first."""
    owed = session.scalars(
        select(Worker).where(*_is_alive(now), Worker.waits_since.is_not(None)).order_by(Worker.waits_since)
    )
    rows = owed.all()
    is_due = is_in(MessageState.QUEUED), Message.due_at <= now
    is_open = exists().where(Mailing.id == Message.mailing_id, Mailing.gate == Gate.OPEN)
    behind = session.scalar(select(func.count()).where(*is_due, is_open)) or 0 if rows else 0
    return [
        OverdueRelay(row.waits_for, row.place, row.waits_since, row.waits_on, behind) for row in rows if row.waits_since
    ]


def at_work(session: Session, *, now: datetime) -> Sequence[str]:
    """The places of the workers that were seen in the last 30 s. It asks for what every version of the table has."""
    return session.scalars(select(Worker.place).where(*_is_alive(now)).order_by(Worker.place)).all()


def _is_alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Worker.seen_at > now - CLOCK_IS_LATE, Worker.stopped_at.is_(None)


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


def is_late(passed_at: datetime | None, *, now: datetime) -> bool:
    """Whether a clock that passed last at a moment is late: for 30 s or more, or it never passed (None)."""
    return passed_at is None or now - passed_at >= CLOCK_IS_LATE


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
