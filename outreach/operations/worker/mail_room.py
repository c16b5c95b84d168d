"""The mail room of a work process: its dispatcher, the thread that runs it, and whose turn it is.

A wake-up carries the number of a mailing. Those of this process's own clock come through a queue in memory. With
several processes, a shared broker (`wakeups`) carries those of all to any idle one. Each process attends to its own
slow connections. A wake-up that is lost or comes twice changes nothing, as the clock repeats it.
"""

import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from outreach.core.db import NO_ANSWER, Database
from outreach.delivery.sending import Dispatcher, DueMailing, Lane
from outreach.operations.worker.resilience import going_on
from outreach.operations.worker.wakeups import Wakeups


class Turns:
    """Mailings wait in lanes: staff mail goes first, then waves and single letters by turns. For several threads.

    Staff mail never has two turns in a row while others wait. A mailing waits once, however often it is added.
    """

    def __init__(self) -> None:
        self._lanes: dict[Lane, deque[int]] = {lane: deque() for lane in Lane}
        self._changed = threading.Condition()
        self._last = self._last_of_others = Lane.SINGLE
        self._is_to_attend = self._is_over = False

    def add(self, mailing: int, lane: Lane) -> None:
        """Have a mailing wait for its turn, after the others of its lane."""
        with self._changed:
            if mailing not in self._lanes[lane]:
                self._lanes[lane].append(mailing)
                self._changed.notify()

    def attend(self) -> None:
        """Have slow connections looked after once no mailing waits."""
        with self._changed:
            self._is_to_attend = True
            self._changed.notify()

    def end(self) -> None:
        """Have `next` return None from now on."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def others(self, mailing: int, *lanes: Lane) -> bool:
        """Whether a mailing other than this one waits, in any lane or in one of these."""
        return any(other != mailing for lane in lanes or Lane for other in tuple(self._lanes[lane]))

    def next(self) -> tuple[int, Lane] | None:
        """Wait for the next turn: a mailing and its lane, or None to look after slow connections."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._is_to_attend or any(self._lanes.values()))
            lane = None if self._is_over else self._chosen()
            if lane is None:
                self._is_to_attend = False
                return None
            self._last = lane
            if lane is not Lane.STAFF:
                self._last_of_others = lane
            return self._lanes[lane].popleft(), lane

    def _chosen(self) -> Lane | None:
        other = Lane.SINGLE if self._last_of_others is Lane.WAVE else Lane.WAVE
        order = [Lane.STAFF, other, self._last_of_others]
        if self._last is Lane.STAFF:
            order = [other, self._last_of_others, Lane.STAFF]
        return next((lane for lane in order if self._lanes[lane]), None)


ATTEND_SECONDS = 1.0
WAIT_SECONDS = 5.0
logger = logging.getLogger(__name__)


class MailRoom:
    """Runs a dispatcher, which does one thing at a time. `broker`: the URL of a shared broker and its queue, if any."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        database: Database,
        may_send: Callable[[], bool],
        broker: tuple[str, str] | None = None,
    ) -> None:
        self.dispatcher, self.stop, self._may_send, self._database = dispatcher, dispatcher.stop, may_send, database
        self.wakeups = Wakeups(*broker, self.answer) if broker else None
        self.turns = Turns()
        self._at_work = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="dispatcher")

    def open(self) -> None:
        """Start to work."""
        self._thread.start()
        if self.wakeups:
            self.wakeups.open()

    def close(self) -> None:
        """Stop, once `stop` is set: the round under way ends, and its answers are awaited and recorded."""
        self.turns.end()
        self._thread.join()
        if self.wakeups:
            self.wakeups.close()
        with self.in_turn() as dispatcher:
            dispatcher.farewell()

    @contextmanager
    def in_turn(self) -> Iterator[Dispatcher]:
        """Hold the dispatcher, whichever thread it is for."""
        with self._at_work:
            yield self.dispatcher

    @property
    def is_at_work(self) -> bool:
        """Whether the dispatcher is at work now, for whichever thread."""
        return self._at_work.locked()

    def discard_wakeups(self) -> None:
        """Discard the wake-ups on the shared broker that nobody took. Call it before asking what is due.

        Whoever sent one had committed what is due, so that the answer names it.
        """
        if self.wakeups:
            self.wakeups.clear()

    def wake_all(self, due: Iterable[DueMailing]) -> None:
        """At each pass of the clock: wake a dispatcher for each mailing with letters due, and attend to the slow."""
        # In random order: where a rate is limited, no mailing is always served first.
        mailings = list(due)
        for mailing in random.sample(mailings, len(mailings)):
            self.wake_for(mailing.id, mailing.lane)
        if self.dispatcher.has_connections and not self.is_at_work:
            self.turns.attend()

    def wake_for(self, mailing: int, lane: Lane) -> None:
        """Wake a dispatcher for a mailing, in any idle process, after its earlier wake-ups.

        Without a shared broker that answers, wake the dispatcher of this process, once until the wake-up has come.
        """
        if not (self.wakeups and self.wakeups.wake(mailing)):
            self.wake_here(mailing, lane)

    def wake_here(self, mailing: int, lane: Lane) -> None:
        """Wake the dispatcher of this process for a mailing, whatever others do, once until the wake-up has come."""
        self.turns.add(mailing, lane)

    def answer(self, mailing: int) -> None:
        """Handle a wake-up from the shared broker: pass it on to the next idle process, then deliver.

        A process that may not send holds its wake-up unacknowledged, so it gets no more.
        """
        while not self._may_send() and not self.stop.is_set():
            self.stop.wait(WAIT_SECONDS)
        if self.wakeups and not self.stop.is_set():
            self.wakeups.pass_on(mailing)
            self.deliver(mailing)

    def deliver(self, mailing: int, lane: Lane | None = None) -> None:
        """Have the dispatcher deliver a mailing. Never raises."""
        try:
            with going_on("delivering", self._database, NO_ANSWER):
                with self.in_turn() as dispatcher:
                    dispatcher.others_wait = lambda: self.turns.others(mailing)
                    dispatcher.staff_wait = lambda: lane is not Lane.STAFF and self.turns.others(mailing, Lane.STAFF)
                    is_more = dispatcher.deliver(mailing)
                if is_more:
                    self.wake_for(mailing, dispatcher.writer.lane)
        except Exception:
            said = "mailing %s: delivering broke off, the clock will ask again"
            logger.exception(said, mailing, extra={"event": "delivering_failed"})

    def _run(self) -> None:
        while not self.stop.is_set():
            turn = self.turns.next()
            if self.stop.is_set():
                return
            if turn is None:
                self._attend()
            else:
                self.deliver(*turn)

    def _attend(self) -> None:
        try:
            with going_on("attending", self._database, NO_ANSWER), self.in_turn() as dispatcher:
                dispatcher.attend(ATTEND_SECONDS)
        except Exception:
            logger.exception("attending broke off, the clock will ask again", extra={"event": "attending_failed"})
