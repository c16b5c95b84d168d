"""Rounds: batches leased, and one transaction each that records answers, renews leases and passes the gate."""

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Executable, and_, bindparam, case, exists, func, or_, select, update

from outreach.core.db import Database, Session, UtcDateTime, table_of
from outreach.core.db.bulk import among_given
from outreach.core.db.prepared import Prepared
from outreach.core.text.dates import today
from outreach.delivery import outbox
from outreach.delivery.models import Batch, Gate, Mailing, Message, MessageState, Purpose, is_in
from outreach.delivery.outbox import Composed, rest_of
from outreach.delivery.sending import _relay_health as relay_health
from outreach.delivery.sending._commit_gate import clear_batch, pass_through, settle_denied, take_back
from outreach.delivery.sending._in_flight import Failpoint, InFlight
from outreach.delivery.smtp import Verdict

LEASE = timedelta(seconds=20)
Taken = tuple[int, ...]  # the keys of batches leased together, none if there was nothing to take
TOGETHER = 48  # mailings of one letter that are taken together: a round or a few of them


class Lane(IntEnum):
    """The mailings that share a place among the others: staff mail, each wave for itself, and single letters."""

    STAFF = 1
    WAVE = 2
    SINGLE = 3

    @classmethod
    def of(cls, purpose: Purpose) -> "Lane":
        """The lane of a mailing: alerts and links are for staff; receipts, replies and tests are single letters."""
        return {Purpose.STAFF: cls.STAFF, Purpose.CAMPAIGN: cls.WAVE}.get(purpose, cls.SINGLE)

    @property
    def purposes(self) -> list[Purpose]:
        """The purposes of this lane's mailings."""
        return [purpose for purpose in Purpose if Lane.of(purpose) is self]


class DueMailing(NamedTuple):
    """A mailing to wake a dispatcher for. One stands for all of its lane where these are taken together."""

    id: int
    lane: Lane


def due_mailings(session: Session, *, now: datetime) -> list[int]:
    """The open mailings that have letters due in a batch that nobody holds."""
    query = select(Batch.mailing_id).where(_is_free_and_due(now)).distinct().order_by(Batch.mailing_id)
    return list(session.scalars(query))


def due_by_lane(session: Session, *, now: datetime) -> list[DueMailing]:
    """Each wave that has letters due in a batch that nobody holds, and one mailing for each other lane that has."""
    alone = case((Mailing.purpose == Purpose.CAMPAIGN, Mailing.id), else_=0)
    due = Mailing.id.in_(select(Batch.mailing_id).where(_is_free_and_due(now)))
    query = select(func.min(Mailing.id), Mailing.purpose).where(due).group_by(Mailing.purpose, alone)
    first: dict[tuple[Lane, int], int] = {}
    for number, purpose in session.execute(query.order_by(func.min(Mailing.id))):
        lane = Lane.of(purpose)
        first.setdefault((lane, number if lane is Lane.WAVE else 0), number)
    return [DueMailing(number, lane) for (lane, _), number in sorted(first.items())]


def lane_of(session: Session, mailing_id: int) -> Lane:
    """The lane of a mailing."""
    return Lane.of(session.scalars(select(Mailing.purpose).where(Mailing.id == mailing_id)).one())


def take_together(session: Session, lane: Lane, worker_id: str, *, beside: Collection[int], now: datetime) -> Taken:
    """Lease the first free batches of a lane that have letters due, 48 at most; returns their keys, in order."""
    values = {"us": worker_id, "until": now + LEASE, "now": now, "beside": beside}
    return tuple(sorted(_TAKEN_TOGETHER[lane].keys(session, values)))


def take(session: Session, mailing_id: int, worker_id: str, *, beside: Collection[int], now: datetime) -> Taken:
    """Lease a mailing's first free batch that has letters due; returns its key, if there is one.

    Letters with a key in `beside` do not count as due.
    """
    values = {"mailing": mailing_id, "us": worker_id, "until": now + LEASE, "now": now, "beside": beside}
    return tuple(_TAKEN.keys(session, values))


def renew(session: Session, held: Sequence[int], worker_id: str, *, now: datetime) -> set[int]:
    """Renew the leases of these batches. Returns those that are still ours."""
    values = {"held": held, "us": worker_id, "until": now + LEASE}
    return set(_RENEWED.keys(session, values))


def put_back(session: Session, taken: Taken, worker_id: str) -> None:
    """Release batches, those that are still ours."""
    _PUT_BACK.change(session, {"taken": taken, "us": worker_id})


def _is_free_and_due(
    now: datetime | ColumnElement[datetime], *of_its_letters: ColumnElement[bool]
) -> ColumnElement[bool]:
    waits = and_(is_in(MessageState.QUEUED), Message.due_at <= now, *of_its_letters)
    return and_(
        or_(Batch.lease_until.is_(None), Batch.lease_until < now),
        exists().where(Mailing.id == Batch.mailing_id, Mailing.gate == Gate.OPEN),
        exists().where(Message.batch_id == Batch.id, waits),
    )


def _taking(whose: ColumnElement[bool], most: int = 1) -> Executable:
    waits = _is_free_and_due(bindparam("now", type_=UtcDateTime), ~among_given(Message.id, "beside"))
    free = select(Batch.id).where(whose, waits).order_by(Batch.id)
    first = free.limit(most).with_for_update(skip_locked=True)
    taken = update(table_of(Batch)).where(Batch.id.in_(first))
    return taken.values(worker_id=bindparam("us"), lease_until=bindparam("until")).returning(table_of(Batch).c.id)


_IS_OURS = Batch.worker_id == bindparam("us")
_IS_OF_MAILING = Batch.mailing_id == bindparam("mailing")
_TAKEN = Prepared(_taking(_IS_OF_MAILING))
_TAKEN_TOGETHER = {
    lane: Prepared(
        _taking(exists().where(Mailing.id == Batch.mailing_id, Mailing.purpose.in_(lane.purposes)), TOGETHER)
    )
    for lane in Lane
}
_RENEWED = Prepared(
    update(table_of(Batch))
    .where(among_given(Batch.id, "held"), _IS_OURS)
    .values(lease_until=bindparam("until"))
    .returning(table_of(Batch).c.id)
)
_PUT_BACK = Prepared(
    update(table_of(Batch)).where(among_given(Batch.id, "taken"), _IS_OURS).values(worker_id=None, lease_until=None)
)


DOT_SECONDS = 5.0
RENEW_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fenced:
    """The decision of a commit gate: letters whose dots may be written, and whether the lease on the batch still holds.

    When `is_late`, no dot may be written: the commit took more than 5 s, and another process may have put the letters
    in doubt. The rows are queued again by the next transaction.
    """

    fence_id: str
    passed: set[int]
    holds: bool
    is_late: bool


class RoundWriter:
    """The transactions of one dispatcher's rounds. A round that could not be written is written with the next one."""

    def __init__(
        self,
        database: Database,
        in_flight: InFlight,
        clock: Callable[[], datetime],
        worker_id: str,
        place: str,
        on_failpoint: Callable[[Failpoint], None],
    ) -> None:
        self.database, self.in_flight, self.clock = database, in_flight, clock
        self.worker_id, self.place, self.on_failpoint = worker_id, place, on_failpoint
        self.served = ""  # the relay that accepted a letter since the last commit
        self.lane = Lane.WAVE  # of the mailing that batches were taken of last
        self.refusals = 0  # letters refused since the dispatcher last asked
        self._unsure: list[str] = []  # fences that may be committed, none of their dots written
        self._leased_at = 0.0

    @property
    def has_work(self) -> bool:
        """Whether answers wait to be recorded, or fences to be taken back."""
        return bool(self.in_flight.settled or self._unsure)

    def take(self, mailing_id: int) -> Taken:
        """Lease a batch of a wave, and settle those of its letters that the commit gate would deny.

        Instead of another mailing, batches of all mailings of its lane are taken together: each holds a letter or a
        few.
        """
        now = self.clock()
        with self.database.writing() as session:
            beside = self.in_flight.still_queued()
            self.lane = lane_of(session, mailing_id)
            us = self.worker_id
            if self.lane is Lane.WAVE:
                taken = take(session, mailing_id, us, beside=beside, now=now)
            else:
                taken = take_together(session, self.lane, us, beside=beside, now=now)
            if taken:
                self._leased_at = awake_seconds()
            for batch in taken:
                clear_batch(session, batch, now=now, day=today(now))
        return taken

    def put_back(self, taken: Taken) -> None:
        """Release batches."""
        with self.database.writing() as session:
            put_back(session, taken, self.worker_id)

    def fence(self, letters: Sequence[Composed], held: Sequence[int]) -> Fenced:
        """Record the answers so far, renew the leases on the batches `held`, and fence these letters.

        The first batch in `held` is theirs; without one, the letters come from earlier rounds. When the transaction
        fails, its outcome is unknown: write no dot, and the next transaction takes the commit gate back.
        """
        fence_id, started, passed = uuid.uuid4().hex, awake_seconds(), set[int]()
        try:
            with self.database.writing() as session:
                now = self.clock()
                self._record(session)
                holds = self._renew(session, held, now)
                if holds and letters:
                    passed = self._fence(session, letters, fence_id, now)
        except BaseException:
            self._unsure.append(fence_id)
            raise
        self._forget_recorded()
        self.on_failpoint(Failpoint.AFTER_FENCE)
        is_late = awake_seconds() - started > DOT_SECONDS
        if is_late:
            self._unsure.append(fence_id)
        return Fenced(fence_id, passed, holds, is_late)

    def write_down(self) -> None:
        """Record the answers so far, in a transaction of their own."""
        if self.has_work:
            with self.database.writing() as session:
                self._record(session)
            self._forget_recorded()

    def note_failure(self, relay: str, said: str, *, alarm: bool) -> None:
        """Let a relay rest: it failed."""
        self.served = ""
        with self.database.writing() as session:
            relay_health.note_failure(session, relay, said, place=self.place, alarm=alarm, now=self.clock())

    def _fence(self, session: Session, letters: Sequence[Composed], fence_id: str, now: datetime) -> set[int]:
        day = today(now)
        passed = pass_through(session, letters, fence_id=fence_id, worker_id=self.worker_id, now=now, day=day)
        denied = [letter.id for letter in letters if letter.id not in passed]
        if denied:
            settle_denied(session, denied, now=now, day=day)
        return passed

    def _renew(self, session: Session, held: Sequence[int], now: datetime) -> bool:
        """Renew the leases held, every 2 s. False when another worker has taken the current batch meanwhile."""
        if not held or awake_seconds() - self._leased_at < RENEW_SECONDS:
            return True
        self._leased_at = awake_seconds()
        return held[0] in renew(session, held, self.worker_id, now=now)

    def _record(self, session: Session) -> None:
        now, settled = self.clock(), self.in_flight.settled
        for fence_id in self._unsure:
            take_back(session, fence_id, now=now)
        if settled:
            outbox.record_outcomes(session, settled, now=now, again_at=rest_of(1, now))
        self.refusals += sum(attempt.outcome.verdict is Verdict.NEVER for attempt in settled)
        if self.served:
            relay_health.forget_failures(session, self.served, place=self.place)

    def _forget_recorded(self) -> None:
        # Called after the commit: recording an answer twice changes nothing, forgetting it too early would lose it.
        self._unsure = []
        if self.in_flight.settled:
            self.in_flight.forget_settled()
            self.served = ""
            self.on_failpoint(Failpoint.AFTER_RECORD)


def awake_seconds() -> float:
    """Seconds of a clock that also counts suspension, so that a process can tell that it was frozen."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
