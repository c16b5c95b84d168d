"""The dispatcher: leases batches of letters, has them composed, and hands them over in rounds.

A round has three steps:

- The bodies are sent on every free connection.
- One transaction records the answers to the previous round and fences this one.
- The dots are written, and behind them the envelopes of the next round.

No transaction is open while the dispatcher waits for a relay. A connection that does not answer in time is left for a
later round, with the letter that it carries.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from outreach.core.db import Database
from outreach.delivery.outbox import Composed
from outreach.delivery.sending._composer import LetterSource
from outreach.delivery.sending._in_flight import Failpoint, InFlight
from outreach.delivery.sending._pacing import Routes
from outreach.delivery.sending._rounds import RoundWriter, Taken
from outreach.delivery.smtp import WAITING_FOR_US, Failure, Parcel, Pool, State, Verdict

TURN_SECONDS = 0.25
SOON_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
SEVERAL = 3
CLOSING = 421
SHARE_SECONDS = 2.0
LINGER_SECONDS = 1.0
IDLE_SECONDS = 30.0  # a connection is kept for the next mailing; relays close after five minutes (RFC 5321 §4.5.3.2.7)
FAREWELL_SECONDS = 10.0
MOVING = (State.ENVELOPE, State.BODY)


class Dispatcher:
    """One worker's sender: takes batches, hands their letters to the pool, and has each round written down.

    `in_flight` holds its letters, `writer` its transactions. `place` is its installation's. It is for one thread.
    """

    def __init__(
        self,
        database: Database,
        pool: Pool,
        source: LetterSource,
        clock: Callable[[], datetime],
        *,
        worker_id: str,
        place: str,
        stop: threading.Event | None = None,
        on_failpoint: Callable[[Failpoint], None] | None = None,
        pause_failing: Callable[[], None] | None = None,
    ) -> None:
        self.pool, self.source, self.clock = pool, source, clock
        self.on_failpoint = on_failpoint or (lambda _stage: None)
        if on_failpoint:
            pool.on_body = lambda is_half: on_failpoint(Failpoint.MID_BODY if is_half else Failpoint.AFTER_RCPT)
        self.stop = stop or threading.Event()
        self.in_flight = InFlight()
        self.writer = RoundWriter(database, self.in_flight, clock, worker_id, place, self.on_failpoint)
        self._routes = Routes(pool.relays, place)
        self._pause_failing = pause_failing or (lambda: None)
        self._next: Taken = ()  # the batches after the current ones, being composed
        self._rests = False  # the relay in use began to rest during this turn
        self._has_handed = False  # a letter was handed over during this turn
        self._shares_until, self._has_given_way = 0.0, False  # of this turn
        self.others_wait: Callable[[], bool] = lambda: False  # whether other mailings wait for their turn
        self.staff_wait: Callable[[], bool] = lambda: False  # whether mail to staff does: it waits for no turn to end

    @property
    def is_busy(self) -> bool:
        """Whether letters are under way, answers wait to be recorded, or a connection owes an answer."""
        is_owed = self.pool.count(*State) > self.pool.count(State.READY)
        return bool(self.in_flight or self.writer.has_work or is_owed)

    @property
    def has_connections(self) -> bool:
        """Whether connections are open: `attend` has to close those that were idle for long."""
        return bool(self.pool.count(*State))

    def deliver(self, mailing_id: int) -> bool:
        """Hand over some batches of a mailing. True when more may go: call again after the other waiting mailings."""
        self._has_handed, self._next = False, ()
        has_more = self._deliver_batches(mailing_id) and self._has_handed
        if not has_more:
            self.attend(LINGER_SECONDS)
        return has_more

    def _deliver_batches(self, mailing_id: int) -> bool:
        """Hand over batches for 2 s, composing each while the previous one leaves. True when the time was too short.

        A batch under way ends, unless another mailing waits: behind a slow relay it would wait for hundreds of letters.
        Waiting for letters to be composed does not count.
        """
        self._shares_until = time.monotonic() + SHARE_SECONDS
        self._has_given_way = False
        batch = self._take(mailing_id) if self._finds_a_relay() else ()
        while batch and not self.stop.is_set():
            began = time.monotonic()
            letters = self._composed(batch)
            self._shares_until += time.monotonic() - began
            is_last = time.monotonic() > self._shares_until
            self._next = () if is_last else self._take(mailing_id)
            finished = self._work_through(batch, letters)
            self.writer.put_back(batch)
            batch, self._next = self._next, ()
            self._pause_if_refused()
            # If the relay rests from now on, another one may serve.
            if is_last or not (finished or self._rests) or not self._finds_a_relay():
                break
            batch = batch or self._take(mailing_id)  # also letters that the commit gate denied, to be composed anew
        else:
            is_last = finished = False
        if batch:
            self.writer.put_back(batch)
        return (is_last and finished) or self._has_given_way

    def _pause_if_refused(self, least: int = 1) -> None:
        if self.writer.refusals >= least:
            self.writer.refusals = 0
            self._pause_failing()

    def attend(self, seconds: float = 0.0) -> None:
        """Finish what earlier rounds left: fence letters at their dot, record late answers.

        Connections that are idle are kept for the next mailing, for 30 s.
        """
        self.pool.poll()
        self.pool.wait(seconds, until=lambda: not self.pool.awaited or self.others_wait() or self.stop.is_set())
        self._listen()
        if self._ready() or self.writer.has_work:
            self._fence_and_release(())
            self._listen()
        self._suspect_relay()
        self.in_flight.defer_undecided()
        self.writer.write_down()
        self.pool.leave(IDLE_SECONDS)

    def farewell(self) -> None:
        """Before the process ends, wait up to 10 s for the answers to dots already written.

        A letter whose answer has not come by then is in doubt.
        """
        self.pool.recall()
        self.pool.wait(FAREWELL_SECONDS, until=lambda: not self.pool.count(State.VERDICT))
        self._listen()
        self.pool.narrow(0)
        self.pool.close()
        # A second call: an answer collected with them would make deferrals of the letters that our closing cut off.
        self._listen()
        self.in_flight.requeue_undecided()
        self.writer.write_down()

    def _finds_a_relay(self) -> bool:
        self._rests = False
        with self.writer.database.reading() as session:
            serves = self._routes.choose(session, now=self.clock())
        if self._routes.used.relay is not self.pool.relay:
            self.in_flight.requeue_undecided()
            self.writer.served = ""
            self.pool.turn_to(self._routes.used.relay)
        return serves

    def _take(self, mailing_id: int) -> Taken:
        """Lease a batch, or several together, and have them composed."""
        taken = self.writer.take(mailing_id)
        if taken:
            self.source.begin(taken, self.in_flight.still_queued())
        return taken

    def _composed(self, batch: Taken) -> list[Composed]:
        return self.source.finish(batch, self.in_flight.still_queued())

    def _work_through(self, batch: Taken, letters: Sequence[Composed]) -> bool:
        """Hand a batch's letters over; False when the dispatcher should stop for now."""
        self.in_flight.begin(letters)
        self.on_failpoint(Failpoint.AFTER_COMPOSE)
        while self._has_some_left() and not self.stop.is_set():
            self._has_given_way = self._gives_way()
            if self._has_given_way or not self._is_at_hand(len(self.in_flight.waiting)):
                return False
            letters = self._admitted(self.pool.count(State.READY))
            may_go_on = letters or self.pool.count(State.AT_DOT) or self.pool.prompt(*MOVING)
            if self.in_flight.waiting and not may_go_on:
                return False  # the rate is used up: the clock will try again
            if not self._round(letters, batch):
                return False
            self._pause_if_refused(SEVERAL)
        return not self.stop.is_set()

    def _gives_way(self) -> bool:
        """Whether another mailing should have its turn: it waits, our time is over, and the rate allows it a letter.

        Mail to staff has its turn at once. Never before a letter of ours was handed over: with slow composing we would
        come to nothing.
        """
        now = time.monotonic()
        is_over = now > self._shares_until and self.others_wait()
        return self._has_handed and (is_over or self.staff_wait()) and self._routes.used.bucket.room(1, now) > 0

    def _has_some_left(self) -> bool:
        """Whether letters of the batch wait, or are at their dot."""
        if not (self.in_flight.waiting or self.pool.prompt(State.AT_DOT)):
            self._listen()  # a letter pipelined behind a dot may have been given back
        return bool(self.in_flight.waiting or self.pool.prompt(State.AT_DOT))

    def _admitted(self, most: int) -> list[Composed]:
        """The next letters that the rate allows, at most `most`."""
        waiting = self.in_flight.waiting
        room = self._routes.used.bucket.take(min(len(waiting), most), time.monotonic())
        letters = [waiting.popleft() for _ in range(room)]
        self._has_handed |= bool(letters)
        self.in_flight.carry(letters)
        return letters

    def _is_at_hand(self, wanted: int) -> bool:
        """Wait for a free connection or a letter at its dot. False when there is none after 5 s.

        Lets the relay rest, and returns False, when its connections failed with an alarm or none is left.
        """
        self.pool.poll()  # the relay may have closed an idle connection since
        end = time.monotonic() + PATIENCE_SECONDS
        while not self._has_failed():
            self._open(wanted)
            is_over = time.monotonic() >= end or self.stop.is_set()
            if is_over or self.pool.count(*WAITING_FOR_US):
                return bool(self.pool.count(*WAITING_FOR_US))
            self._wait(end - time.monotonic(), self._news())
        return False

    def _open(self, wanted: int) -> None:
        """Open connections for so many letters, within the current width. Connections outside it are replaced."""
        width = self._routes.used.width
        width.recover(time.monotonic())
        inside = self.in_flight.busy + self.pool.stuck - self.pool.outside
        self.pool.open(min(max(wanted, 1) + max(inside, 0), width.now))

    def _news(self) -> Callable[[], bool]:
        """Whether a connection waits for us, or others may be opened for those that stand outside the width since."""
        pool, outside = self.pool, self.pool.outside
        return lambda: bool(pool.count(*WAITING_FOR_US)) or pool.outside != outside or not pool.width

    def _has_failed(self) -> bool:
        """Whether the relay rests from now on: a connection failed with an alarm, or several did and none is left.

        One that fails alone says little, so the next one is tried at once: three in a row are enough.
        """
        failures, route = self._heeded(), self._routes.used
        route.failures += len(failures)
        is_alarming = any(failure.alarm for failure in failures)
        if is_alarming or (failures and route.failures >= SEVERAL and not self.pool.width):
            worst = max(failures, key=lambda failure: failure.alarm)
            self._let_rest(worst.text, alarm=worst.alarm)
            return True
        return False

    def _heeded(self) -> list[Failure]:
        """The failed connections to the relay in use.

        A relay that asked for fewer connections gets fewer from now on.
        """
        failures = self.pool.failures()
        self._routes.narrow({relay for relay, failure in failures if failure.slow_down})
        # Not only when it asks: connections that were busy then have to be closed later.
        self.pool.narrow(self._routes.used.width.now)
        return [failure for relay, failure in failures if relay is self.pool.relay]

    def _round(self, letters: Sequence[Composed], batch: Taken) -> bool:
        """Hand letters over, record the previous round, fence, write dots. False when the dispatcher should stop."""
        for letter in letters:
            self.pool.hand(_parcel(letter))
        self._wait(TURN_SECONDS, lambda: not self.pool.prompt(*MOVING))
        self.on_failpoint(Failpoint.BEFORE_FENCE)
        self._listen()
        self._routes.used.width.widen()
        self._suspect_relay()
        return self._fence_and_release(batch) and not self._rests

    def _fence_and_release(self, batch: Taken) -> bool:
        """Fence the letters that are at their dot, and write the dots of those that pass.

        False when the lease on the batch is lost, or no dot was written because the commit gate took more than 5 s.
        """
        # 1. Process what has arrived: an answer that came before the dot is not an answer to it.
        self.pool.poll()
        ready = self._ready()
        # 2. In one transaction: record the answers so far, renew the leases, fence the letters at their dot.
        #    If it fails, close their connections without a dot.
        held = [*batch, *self._next] if batch else []
        try:
            fenced = self.writer.fence(ready, held)
        except BaseException:
            self._close_without_dot(ready)
            raise
        # 3. After more than 5 s write no dot: if this process was frozen meanwhile, another one may have put its
        #    letters in doubt.
        if fenced.is_late:
            self._close_without_dot(ready)
            return False
        # 4. Process what has arrived meanwhile, then write the dots that passed, with the next envelopes behind them.
        self.in_flight.await_answers(fenced.passed, fenced.fence_id)
        self.pool.poll()
        following = self._following(fenced.passed) if batch else []
        self.pool.release(fenced.passed, map(_parcel, following))
        # 5. Close the connections of the letters that were denied.
        self._close_without_dot([letter for letter in ready if letter.id not in fenced.passed])
        self.on_failpoint(Failpoint.AFTER_DOT)
        # 6. Give the answers a moment to come. The next round records them.
        self._wait(TURN_SECONDS, lambda: not self.pool.prompt(State.VERDICT, *MOVING))
        self.on_failpoint(Failpoint.AFTER_REPLY)
        return fenced.holds

    def _following(self, passed: set[int]) -> list[Composed]:
        """The letters to pipeline behind these dots: those no free connection can take, within the current width."""
        beyond = max(0, self.pool.width - self._routes.used.width.now)
        most = min(self.pool.room_behind(passed) - beyond, len(self.in_flight.waiting) - self.pool.free)
        return [] if self.stop.is_set() else self._admitted(max(0, most))

    def _ready(self) -> list[Composed]:
        return [self.in_flight.carried[parcel.key] for parcel in self.pool.at_dot()]

    def _close_without_dot(self, letters: Sequence[Composed]) -> None:
        """Close the connections on which these letters still wait for their dot, and stop carrying them."""
        self.pool.abandon({letter.id for letter in letters})
        self.in_flight.drop(letters)

    def _listen(self) -> None:
        """Take note of the results so far. A letter cut off before its dot is undecided until the relay answers one."""
        has_answered = False
        for relay, parcel, result in self.pool.collect():
            if result.verdict is Verdict.UNTRIED:
                self.in_flight.put_back(parcel.key)
                continue
            is_ours, is_cut_off = relay is self.pool.relay, result.verdict is Verdict.UNREACHED
            self.in_flight.settle(parcel.key, result, is_undecided=is_ours and is_cut_off)
            has_answered |= is_ours and result.code is not None and not is_cut_off
            if is_ours and result.code not in {None, CLOSING}:
                self._routes.used.failures = 0
            if is_ours and result.verdict is Verdict.ACCEPTED:
                self.writer.served = relay.name
        if has_answered:
            self.in_flight.defer_undecided()

    def _suspect_relay(self) -> None:
        """Let the relay rest when several letters were cut off and none has come to its dot."""
        if len(self.in_flight.undecided) >= SEVERAL and not self._ready():
            self._let_rest(self.in_flight.undecided[0].outcome.text)
            self.in_flight.requeue_undecided()

    def _wait(self, seconds: float, until: Callable[[], bool]) -> None:
        """Wait until `until` is true, for `seconds` at most; then leave slow connections for a later round.

        After 0.05 s it records the answers known so far, so that they do not wait.
        """

        def over() -> bool:
            return until() or self.stop.is_set()

        self.pool.wait(SOON_SECONDS, over)
        if not over():
            self._listen()
            self.writer.write_down()
            self.pool.wait(seconds - SOON_SECONDS, over)
            if not over():
                self.pool.pass_over()

    def _let_rest(self, said: str, *, alarm: bool = False) -> None:
        self._rests = True
        self.writer.note_failure(self.pool.relay.name, said, alarm=alarm)


def _parcel(letter: Composed) -> Parcel:
    return Parcel(letter.id, letter.sender, letter.recipient, letter.wire)
