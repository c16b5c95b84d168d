"""The postman: leases batches of letters, has them composed, and hands them over in rounds.

A round has three steps:

- The bodies are sent on every free connection.
- One transaction records the answers to the previous round and fences this one.
- The dots are written, and behind them the envelopes of the next round.

No transaction is open while the postman waits for a relay. A connection that does not answer in time is left for a
later round, with the letter that it carries.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

from outreach.days import today
from outreach.db import Database, Session
from outreach.delivery.ledger import outcomes
from outreach.delivery.ledger.letters import Composed
from outreach.delivery.ledger.outcomes import Settled
from outreach.delivery.ledger.retry_times import rest_of
from outreach.delivery.sending import batches, fence, relay_health
from outreach.delivery.sending.failpoints import Failpoint
from outreach.delivery.sending.pacing import Domains
from outreach.delivery.sending.prefetch import LetterSource
from outreach.delivery.sending.routes import Routes
from outreach.delivery.smtp.pool import Pool
from outreach.delivery.smtp.protocol import Failure, Parcel, State
from outreach.delivery.smtp.replies import Verdict

DOT_SECONDS = 5.0
TURN_SECONDS = 0.25
SOON_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
SEVERAL = 3
SHARE_SECONDS = 2.0
MOST_NAMED = 500
LINGER_SECONDS = 1.0
RENEW_SECONDS = 2.0
FAREWELL_SECONDS = 10.0
MOVING = (State.ENVELOPE, State.BODY)
OPEN_ENDED = tuple(state for state in State if state not in {State.READY, State.AT_DOT, State.CLOSED})


class Postman:
    """One worker's sender: its connections, the letters on them, the answers not recorded yet. For one thread."""

    def __init__(
        self,
        database: Database,
        pool: Pool,
        source: LetterSource,
        clock: Callable[[], datetime],
        *,
        worker_id: str,
        domain_rates: Mapping[str, float] | None = None,
        stop: threading.Event | None = None,
        on_failpoint: Callable[[Failpoint], None] | None = None,
        pause_failing: Callable[[], None] | None = None,
    ) -> None:
        self.database, self.pool, self.source, self.clock = database, pool, source, clock
        self.worker_id, self.on_failpoint = worker_id, on_failpoint or (lambda _stage: None)
        if on_failpoint:
            pool.on_body = lambda is_half: on_failpoint(Failpoint.MID_BODY if is_half else Failpoint.AFTER_RCPT)
        self.stop = stop or threading.Event()
        self._routes, self._domains = Routes(pool.relays), Domains(domain_rates or {})
        self._waiting: deque[Composed] = deque()  # composed letters of the current batch
        self._carried: dict[int, Composed] = {}  # on a connection, dot not written yet
        self._awaited: dict[int, str] = {}  # dot written, under this fence; no answer yet
        self._settled: list[Settled] = []  # answered, not recorded yet
        self._undecided: list[Settled] = []  # connection broke before the dot, no letter answered since
        self._unsure: list[str] = []  # fences that may be committed, none of their dots written
        self._has_served = False  # the relay accepted a letter, not recorded yet
        self._rests = self._has_handed = False
        self._next: int | None = None  # the batch after the current one, being composed
        self._leased_at = 0.0
        self._pause_failing, self._refusals = pause_failing or (lambda: None), 0

    @property
    def is_busy(self) -> bool:
        """Whether `attend` has work to do: letters under way, answers to record or connections to close."""
        letters = self._carried or self._awaited or self._settled or self._undecided or self._unsure
        return bool(letters or self.pool.count(*State))

    def deliver(self, mailing_id: int) -> bool:
        """Hand over some batches of a mailing. True when more may go: call again after the other waiting mailings."""
        self._domains.full.clear()
        self._has_handed, self._next = False, None
        has_more = self._deliver_batches(mailing_id) and self._has_handed
        if not has_more:
            self.attend(LINGER_SECONDS)
        return has_more

    def _deliver_batches(self, mailing_id: int) -> bool:
        """Hand over batches for 2 s, composing each while the previous one leaves. True when the time was too short."""
        end = time.monotonic() + SHARE_SECONDS
        batch = self._take(mailing_id) if self._finds_a_relay() else None
        while batch is not None and not self.stop.is_set():
            letters = self._composed(batch)
            is_last = time.monotonic() > end
            self._next = None if is_last else self._take(mailing_id)
            finished = self._work_through(batch, letters)
            self._put_back(batch)
            batch, self._next = self._next, None
            self._pause_if_refused()
            # If the relay rests from now on, another one may serve.
            if is_last or not (finished or self._rests) or not self._finds_a_relay():
                break
            batch = batch or self._take(mailing_id)  # also letters that the fence denied, to be composed anew
        else:
            is_last = finished = False
        if batch is not None:
            self._put_back(batch)
        return is_last and finished

    def _pause_if_refused(self) -> None:
        if self._refusals:
            self._refusals = 0
            self._pause_failing()

    def attend(self, seconds: float = 0.0) -> None:
        """Finish what earlier rounds left: fence letters at their dot, record late answers, close idle connections."""
        self.pool.wait(seconds, until=lambda: not self._is_open_ended() or self.stop.is_set())
        self._listen()
        if self._ready() or self._settled or self._unsure:
            self._fence_and_release(None)
            self._listen()
        self._suspect_relay()
        self._count_as_deferrals()
        self._write_down()
        self.pool.leave()

    def farewell(self) -> None:
        """Before the process ends, wait up to 10 s for the answers to dots already written.

        A letter whose answer has not come by then is in doubt.
        """
        self.pool.recall()
        self.pool.wait(FAREWELL_SECONDS, until=lambda: not self.pool.count(State.VERDICT))
        self._listen()
        self.pool.close()
        # A second call: an answer collected with them would make deferrals of the letters that our closing cut off.
        self._listen()
        self._requeue_uncounted()
        self._write_down()

    def _is_open_ended(self) -> bool:
        return bool(self.pool.count(*OPEN_ENDED))

    def _finds_a_relay(self) -> bool:
        self._rests = False
        with self.database.reading() as session:
            serves = self._routes.choose(session, now=self.clock())
        if self._routes.used.relay is not self.pool.relay:
            self._requeue_uncounted()
            self._has_served = False
            self.pool.turn_to(self._routes.used.relay)
        return serves

    def _take(self, mailing_id: int) -> int | None:
        now, full = self.clock(), list(islice(self._domains.full, MOST_NAMED))
        with self.database.writing() as session:
            taken = batches.take(session, mailing_id, self.worker_id, beside=self._under_way(), but=full, now=now)
            if taken is not None:
                self._leased_at = _awake_seconds()
                fence.clear(session, taken, now=now, day=today(now))
        if taken is not None:
            self.source.begin(taken, self._under_way())
        return taken

    def _put_back(self, batch: int) -> None:
        with self.database.writing() as session:
            batches.put_back(session, batch, self.worker_id)

    def _work_through(self, batch: int, letters: Sequence[Composed]) -> bool:
        """Hand a batch's letters over; False when the postman should stop for now."""
        self._waiting = deque(letters)
        self.on_failpoint(Failpoint.AFTER_COMPOSE)
        while self._has_some_left() and not self.stop.is_set():
            if not self._is_at_hand(len(self._waiting)):
                return False
            letters = self._admitted(self.pool.count(State.READY))
            if self._waiting and not (letters or self.pool.count(State.AT_DOT) or self.pool.prompt(*MOVING)):
                return False  # the rate is used up: the clock will try again
            if not self._round(letters, batch):
                return False
            if self._refusals >= SEVERAL:
                self._pause_if_refused()
        return not self.stop.is_set()

    def _has_some_left(self) -> bool:
        """Whether letters of the batch wait, or are at their dot."""
        if not (self._waiting or self.pool.prompt(State.AT_DOT)):
            self._listen()  # a letter pipelined behind a dot may have been given back
        return bool(self._waiting or self.pool.prompt(State.AT_DOT))

    def _admitted(self, most: int) -> list[Composed]:
        """The next letters that the rate allows, at most `most`.

        Letters to a domain over its rate are skipped, so they do not delay the others.
        """
        now, bucket = time.monotonic(), self._routes.used.bucket
        room, letters = bucket.room(min(len(self._waiting), most), now), list[Composed]()
        while self._waiting and len(letters) < room:
            letter = self._waiting.popleft()
            if self._domains.admits(letter.address, now):
                letters.append(letter)
        bucket.take(len(letters), now)
        self._has_handed |= bool(letters)
        self._carried.update((letter.id, letter) for letter in letters)
        return letters

    def _composed(self, batch: int) -> list[Composed]:
        written = self.source.finish(batch, self._under_way())
        return [letter for letter in written if not self._domains.is_full(letter.address)]

    def _is_at_hand(self, wanted: int) -> bool:
        """Wait for a free connection or a letter at its dot. False when there is none after 5 s.

        Lets the relay rest, and returns False, when its connections failed with an alarm or none is left.
        """
        self.pool.poll()  # the relay may have closed an idle connection since
        failures = self._heeded()
        busy = len(self._carried) + len(self._awaited) + self.pool.stuck
        self.pool.open(min(wanted + busy, self._routes.used.width.now))
        usable = (State.READY, State.AT_DOT)
        self._wait(PATIENCE_SECONDS, lambda: bool(self.pool.count(*usable)))
        failures += self._heeded()
        if failures and (any(failure.alarm for failure in failures) or not self.pool.width):
            worst = max(failures, key=lambda failure: failure.alarm)
            self._let_rest(worst.text, alarm=worst.alarm)
            return False
        return bool(self.pool.count(*usable))

    def _heeded(self) -> list[Failure]:
        """The failed connections to the relay in use.

        A relay that asked for fewer connections gets fewer from now on.
        """
        failures = self.pool.failures()
        self._routes.narrow({relay for relay, failure in failures if failure.slow_down})
        # Not only when it asks: connections that were busy then have to be closed later.
        self.pool.leave(keep=self._routes.used.width.now)
        return [failure for relay, failure in failures if relay is self.pool.relay]

    def _round(self, letters: Sequence[Composed], batch: int) -> bool:
        """Hand letters over, record the previous round, fence, write dots. False when the postman should stop."""
        for letter in letters:
            self.pool.hand(_parcel(letter))
        self._wait(TURN_SECONDS, lambda: not self.pool.prompt(*MOVING))
        self.on_failpoint(Failpoint.BEFORE_FENCE)
        self._listen()
        self._routes.used.width.widen()
        self._suspect_relay()
        return self._fence_and_release(batch) and not self._rests

    def _fence_and_release(self, batch: int | None) -> bool:
        """Fence the letters that are at their dot, and write the dots of those that pass.

        False when the lease on the batch is lost, or no dot was written because the fence took more than 5 s.
        """
        # 1. Process what has arrived: an answer that came before the dot is not an answer to it.
        self.pool.poll()
        fence_id, started, ready = uuid.uuid4().hex, _awake_seconds(), self._ready()
        # 2. In one transaction: record the answers so far, renew the leases, fence the letters at their dot.
        with self._unsure_of(fence_id), self.database.writing() as session:
            now = self.clock()
            self._record(session)
            holds = batch is None or self._renew(session, batch, now)
            passed = self._fence(session, ready, fence_id, now) if holds and ready else set()
        self._forget_recorded()
        self.on_failpoint(Failpoint.AFTER_FENCE)
        # 3. After more than 5 s write no dot, and queue the rows again: if this process was frozen meanwhile,
        #    another one may have put its letters in doubt.
        if _awake_seconds() - started > DOT_SECONDS:
            self._drop(ready)
            self._unsure.append(fence_id)
            return False
        # 4. Process what has arrived meanwhile, then write the dots that passed, with the next envelopes behind them.
        self._awaited.update(dict.fromkeys(passed, fence_id))
        self.pool.poll()
        following = [] if batch is None else self._following(passed)
        self.pool.release(passed, map(_parcel, following))
        # 5. Close the connections of the letters that were denied.
        self._drop(ready)
        self.on_failpoint(Failpoint.AFTER_DOT)
        # 6. Give the answers a moment to come. The next round records them.
        self._wait(TURN_SECONDS, lambda: not self.pool.prompt(State.VERDICT, *MOVING))
        self.on_failpoint(Failpoint.AFTER_REPLY)
        return holds

    def _following(self, passed: set[int]) -> list[Composed]:
        """The letters to pipeline behind these dots: those no free connection can take, within the current width."""
        beyond = max(0, self.pool.width - self._routes.used.width.now)
        most = min(self.pool.room_behind(passed) - beyond, len(self._waiting) - self.pool.free)
        return [] if self.stop.is_set() else self._admitted(max(0, most))

    @contextmanager
    def _unsure_of(self, fence_id: str) -> Iterator[None]:
        """If the transaction fails, close the connections without a dot, and remember to take the fence back."""
        ready = self._ready()
        try:
            yield
        except BaseException:
            self._drop(ready)
            self._unsure.append(fence_id)
            raise

    def _fence(self, session: Session, ready: Sequence[Composed], fence_id: str, now: datetime) -> set[int]:
        day = today(now)
        passed = fence.pass_through(session, ready, fence_id=fence_id, worker_id=self.worker_id, now=now, day=day)
        denied = [letter.id for letter in ready if letter.id not in passed]
        if denied:
            fence.settle_denied(session, denied, now=now, day=day)
        return passed

    def _renew(self, session: Session, batch: int, now: datetime) -> bool:
        """Renew the leases held, every 2 s. False when another worker has taken the batch meanwhile."""
        if _awake_seconds() - self._leased_at < RENEW_SECONDS:
            return True
        self._leased_at = _awake_seconds()
        held = [batch] if self._next is None else [batch, self._next]
        return batch in batches.renew(session, held, self.worker_id, now=now)

    def _ready(self) -> list[Composed]:
        return [self._carried[parcel.key] for parcel in self.pool.at_dot()]

    def _drop(self, letters: Sequence[Composed]) -> None:
        """Stop carrying these letters. A connection where one still waits for its dot is closed without it."""
        self.pool.abandon({letter.id for letter in letters})
        for letter in letters:
            self._carried.pop(letter.id, None)

    def _under_way(self) -> set[int]:
        """The keys of letters that are still queued in the database, but must not be handed over a second time."""
        return {*self._carried, *(settled.message_id for settled in (*self._settled, *self._undecided))}

    def _listen(self) -> None:
        has_answered = False
        for relay, parcel, outcome in self.pool.collect():
            letter = self._carried.pop(parcel.key, None)
            if outcome.verdict is Verdict.UNTRIED:
                self._waiting.extendleft([letter] if letter else ())
                continue
            settled = Settled(parcel.key, self._awaited.pop(parcel.key, None), outcome)
            is_ours, is_cut_off = relay is self.pool.relay, outcome.verdict is Verdict.UNREACHED
            (self._undecided if is_ours and is_cut_off else self._settled).append(settled)
            has_answered |= is_ours and outcome.code is not None and not is_cut_off
            if is_ours and outcome.verdict is Verdict.ACCEPTED:
                self._has_served = True
        if has_answered:
            self._count_as_deferrals()

    def _suspect_relay(self) -> None:
        """Let the relay rest when several letters were cut off and none has come to its dot."""
        if len(self._undecided) >= SEVERAL and not self._ready():
            self._let_rest(self._undecided[0].outcome.text)
            self._requeue_uncounted()

    def _count_as_deferrals(self) -> None:
        """Defer the letters that were cut off, as after a 4xx.

        The relay answers others, so it is the letter that breaks the connection.
        """
        self._settled += [
            settled._replace(outcome=settled.outcome._replace(verdict=Verdict.LATER)) for settled in self._undecided
        ]
        self._undecided = []

    def _requeue_uncounted(self) -> None:
        """Queue the letters that were cut off again, without counting an attempt.

        The relay serves nobody, or we closed the connection ourselves.
        """
        self._settled += self._undecided
        self._undecided = []

    def _wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Wait until `until` is true, for `seconds` at most; then leave slow connections for a later round.

        After 0.05 s it records the answers known so far, so that they do not wait.
        """

        def over() -> bool:
            return until() or self.stop.is_set()

        self.pool.wait(SOON_SECONDS, over)
        if not over():
            self._listen()
            self._write_down()
            self.pool.wait(seconds - SOON_SECONDS, over)
            if not over():
                self.pool.pass_over()

    def _let_rest(self, said: str, *, alarm: bool = False) -> None:
        self._rests, self._has_served = True, False
        with self.database.writing() as session:
            relay_health.note_failure(session, self.pool.relay.name, said, alarm=alarm, now=self.clock())

    def _write_down(self) -> None:
        if self._settled or self._unsure:
            with self.database.writing() as session:
                self._record(session)
            self._forget_recorded()

    def _record(self, session: Session) -> None:
        now = self.clock()
        for fence_id in self._unsure:
            fence.take_back(session, fence_id, now=now)
        if self._settled:
            outcomes.record(session, self._settled, now=now, again_at=rest_of(1, now))
        self._refusals += sum(settled.outcome.verdict is Verdict.NEVER for settled in self._settled)
        if self._has_served:
            relay_health.forget_failures(session, self.pool.relay.name)

    def _forget_recorded(self) -> None:
        # Called after the commit: recording an answer twice changes nothing, forgetting it too early would lose it.
        if self._settled:
            self._settled, self._unsure = [], []
            self._has_served = False
            self.on_failpoint(Failpoint.AFTER_RECORD)
        self._unsure = []


def _parcel(letter: Composed) -> Parcel:
    return Parcel(letter.id, letter.sender, letter.recipient, letter.wire)


def _awake_seconds() -> float:
    """Seconds of a clock that also counts suspension, so that a process can tell that it was frozen."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
