"""Writes a round down: one transaction records answers, renews leases and fences the letters at their dot."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from outreach.days import today
from outreach.db import Database, Session
from outreach.delivery.ledger import outcomes
from outreach.delivery.ledger.letters import Composed
from outreach.delivery.ledger.retry_times import rest_of
from outreach.delivery.sending import batches, fence, relay_health
from outreach.delivery.sending.batches import Lane, Taken
from outreach.delivery.sending.failpoints import Failpoint
from outreach.delivery.sending.in_flight import InFlight
from outreach.delivery.smtp.replies import Verdict

DOT_SECONDS = 5.0
RENEW_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fenced:
    """The decision of a fence: the letters whose dots may be written, and whether the lease on the batch still holds.

    When `is_late`, no dot may be written: the commit took more than 5 s, and another process may have put the letters
    in doubt. The rows are queued again by the next transaction.
    """

    fence_id: str
    passed: set[int]
    holds: bool
    is_late: bool


class RoundWriter:
    """The transactions of one postman's rounds. A round that could not be written is written with the next one."""

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
        self.refusals = 0  # letters refused since the postman last asked
        self._unsure: list[str] = []  # fences that may be committed, none of their dots written
        self._leased_at = 0.0

    @property
    def has_work(self) -> bool:
        """Whether answers wait to be recorded, or fences to be taken back."""
        return bool(self.in_flight.settled or self._unsure)

    def take(self, mailing_id: int) -> Taken:
        """Lease a batch of a wave, and settle those of its letters that the fence would deny.

        Instead of another mailing, batches of all mailings of its lane are taken together: each holds a letter or a
        few.
        """
        now = self.clock()
        with self.database.writing() as session:
            beside = self.in_flight.still_queued()
            self.lane = batches.lane_of(session, mailing_id)
            us = self.worker_id
            if self.lane is Lane.WAVE:
                taken = batches.take(session, mailing_id, us, beside=beside, now=now)
            else:
                taken = batches.take_together(session, self.lane, us, beside=beside, now=now)
            if taken:
                self._leased_at = awake_seconds()
            for batch in taken:
                fence.clear(session, batch, now=now, day=today(now))
        return taken

    def put_back(self, taken: Taken) -> None:
        """Release batches."""
        with self.database.writing() as session:
            batches.put_back(session, taken, self.worker_id)

    def fence(self, letters: Sequence[Composed], held: Sequence[int]) -> Fenced:
        """Record the answers so far, renew the leases on the batches `held`, and fence these letters.

        The first batch in `held` is theirs; without one, the letters come from earlier rounds. When the transaction
        fails, its outcome is unknown: write no dot, and the next transaction takes the fence back.
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
        passed = fence.pass_through(session, letters, fence_id=fence_id, worker_id=self.worker_id, now=now, day=day)
        denied = [letter.id for letter in letters if letter.id not in passed]
        if denied:
            fence.settle_denied(session, denied, now=now, day=day)
        return passed

    def _renew(self, session: Session, held: Sequence[int], now: datetime) -> bool:
        """Renew the leases held, every 2 s. False when another worker has taken the current batch meanwhile."""
        if not held or awake_seconds() - self._leased_at < RENEW_SECONDS:
            return True
        self._leased_at = awake_seconds()
        return held[0] in batches.renew(session, held, self.worker_id, now=now)

    def _record(self, session: Session) -> None:
        now, settled = self.clock(), self.in_flight.settled
        for fence_id in self._unsure:
            fence.take_back(session, fence_id, now=now)
        if settled:
            outcomes.record(session, settled, now=now, again_at=rest_of(1, now))
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
