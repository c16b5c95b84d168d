"""The work process, which sends what is due. The database is the queue; a job is only a wake-up.

A job carries the number of a mailing. A broker inside the process carries the wake-ups of its own clock. With several
processes, a shared broker (`wakeups`) carries those of all to any idle one. Each process attends to its own slow
connections.

Jobs are safe to repeat and never raise. A wake-up that is lost or comes twice changes nothing, as the clock repeats it.
"""

import logging
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dramatiq import Actor, Broker, Worker, actor
from dramatiq.brokers.stub import StubBroker
from sqlalchemy.exc import SQLAlchemyError

from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.waves import auto_pause, launching
from outreach.db import Database
from outreach.delivery import installation, workers
from outreach.delivery.bounces import collecting
from outreach.delivery.ledger import outbox
from outreach.delivery.sending import relay_health
from outreach.delivery.sending.batches import due_mailings
from outreach.delivery.sending.failpoints import Failpoint
from outreach.delivery.sending.postman import Postman
from outreach.delivery.sending.prefetch import LetterSource
from outreach.delivery.smtp.guard import Guard
from outreach.delivery.smtp.pool import Pool
from outreach.delivery.smtp.relay import Relay
from outreach.errors import OutreachError
from outreach.settings import Mode, SendingSwitch, Settings, listed
from outreach.tracking import hits
from outreach.worker.wakeups import Wakeups, queue_of

BEAT_SECONDS = 5.0
LONGEST_SECONDS = 45  # of a transaction: others that wait for the locks of a frozen process go on within a minute
LAUNCH_SECONDS = 4.0  # less than the interval of the clock
LISTEN_MILLISECONDS = 200  # how long a stop waits for idle threads
logger = logging.getLogger(__name__)


def guard_of(settings: Settings) -> Guard:
    """Whom this installation may write to."""
    if settings.mode is Mode.PRODUCTION:
        return Guard(anybody=True)
    return Guard(
        anybody=settings.stays_here,
        allowed=frozenset(address.casefold() for address in listed(settings.allowed_recipients)),
        protected=frozenset(domain.casefold() for domain in listed(settings.protected_domains)),
    )


def relays_of(settings: Settings) -> list[Relay]:
    """The relays of this installation, in order of preference."""
    usual = {"connections": settings.smtp_connections, "rate": settings.smtp_rate}
    return [Relay.at(url, settings.sending_domain, **usual) for url in settings.relays]


@contextmanager
def going_on(what: str) -> Iterator[None]:
    """End this block with a line in the log when it fails as can be expected; the next pass of the clock repeats it.

    ValueError is for stored rows that cannot be read.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, OutreachError, ValueError) as error:
        logger.warning("%s broke off, the clock will ask again: %s", what, error)


class WorkProcess:
    """One work process: a postman, the broker that wakes it, and a sign of life every few seconds."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        source: LetterSource,
        on_failpoint: Callable[[Failpoint], None] | None = None,
    ) -> None:
        self.settings, self.database, self.clock = settings, database, settings.instant
        self.stop = threading.Event()
        database.limit_transactions(LONGEST_SECONDS)
        self.sending = SenderIdentity.of(settings)
        self.relays = relays_of(settings)
        with database.writing() as session:
            now = self.clock()
            self.worker_id = workers.join_in(session, now=now)
            relay_health.quiet_alarms(session, now=now)
            installation.settle_in(session, installation.read(settings.data), now=now)
        self.postman = Postman(
            database,
            Pool(self.relays, guard_of(settings)),
            source,
            self.clock,
            worker_id=self.worker_id,
            domain_rates=settings.rates_of_domains,
            stop=self.stop,
            on_failpoint=on_failpoint,
            pause_failing=self.pause_failing,
        )
        self.broker = StubBroker(middleware=[])
        # A StubBroker keeps all dropped messages, for tests; a process that runs for months keeps the last ones only.
        self.broker.dead_letters_by_queue = defaultdict(lambda: deque(maxlen=100))  # type: ignore[arg-type, return-value]
        self.deliver, self.attend = build(self.broker, self)
        self.wakeups = self._open_wakeups()
        self._woken_for: set[int] = set()
        self._at_work = threading.Lock()
        self._worker = Worker(self.broker, worker_threads=1, worker_timeout=LISTEN_MILLISECONDS)
        self._pulse = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def open(self) -> None:
        """Start the threads of the broker, the wake-ups and the sign of life."""
        self._worker.start()
        if self.wakeups:
            self.wakeups.open()
        self._pulse.start()

    def close(self) -> None:
        """Stop in order: the round under way ends, and its answers are awaited and recorded."""
        self.stop.set()
        self._worker.stop()
        if self.wakeups:
            self.wakeups.close()
        with self.in_turn():
            self.postman.farewell()
        self._pulse.join()
        with self.database.writing() as session:
            workers.leave(session, self.worker_id, now=self.clock())

    def hindrance(self) -> str:
        """Why no letter may leave from here, in a French sentence, or ''."""
        if self.settings.sending is SendingSwitch.OFF:
            return "L’envoi est coupé par OUTREACH_SENDING=off."
        if self.settings.stays_here:
            return ""
        with self.database.reading() as session:
            return installation.hindrance(session, installation.read(self.settings.data))

    def remember(self) -> None:
        """Record an unhindered pass of the clock in the database, then in the data folder."""
        now, here = self.clock(), installation.read(self.settings.data)
        with self.database.writing() as session:
            installation.passed(session, here, now=now)
        installation.remember(self.settings.data, now=now)

    def start_waves(self) -> None:
        """Start due waves, one step of each in turn: one that is large, or cannot start, does not delay the others.

        Between the steps, postmen are woken for letters due elsewhere. After 4 s the rest is left for the next pass of
        the clock, as this pass has other work, too.
        """
        end = time.monotonic() + LAUNCH_SECONDS
        while not self.stop.is_set():
            with self.database.reading() as session:
                waves = launching.due_waves(session, now=self.clock())
            goes_on = False
            for wave in waves:
                with going_on(f"wave {wave}"):
                    goes_on |= self._advance(wave)
            if not goes_on or time.monotonic() > end:
                return
            self.wake_due()

    def settle(self, hindrance: str) -> None:
        """Settle what time alone decides (doubts, ends of waves), and record this pass of the clock."""
        now = self.clock()
        self.pause_failing()
        with self.database.writing() as session:
            outbox.doubt_the_abandoned(session, now=now)
            hits.settle_doubts(session, now=now)
            outbox.resend_the_doubtful(session, now=now)
            outbox.withdraw_stranded(session, now=now)
            launching.finish_waves(session, now=now)
            hits.fold_old(session, now=now)
            no_relay = relay_health.hindrance(session, [relay.name for relay in self.relays], now=now)
            workers.clock_passed(session, hindrance or no_relay, now=now)

    def collect(self) -> None:
        """Handle what came back by mail."""
        collecting.collect(self.database, self.settings, self.clock, stop=self.stop)

    def pause_failing(self) -> None:
        """Pause the waves that fail too often. They are looked for in a reading transaction, which blocks no writer."""
        with self.database.reading() as session:
            is_failing = bool(auto_pause.failing(session))
        if is_failing:
            with self.database.writing() as session:
                auto_pause.pause_failing(session, now=self.clock())

    def wake_due(self) -> None:
        """Wake a postman for each mailing that has letters due."""
        if self.wakeups:
            self.wakeups.clear()
        with self.database.reading() as session:
            due = due_mailings(session, now=self.clock())
        # In random order: where a rate is limited, no mailing is always served first.
        for mailing in random.sample(due, len(due)):
            self.wake_for(mailing)
        if self.postman.is_busy and not self._woken_for and not self._at_work.locked():
            self.attend.send()

    def wake_for(self, mailing: int) -> None:
        """Wake a postman for a mailing, in any idle process, after its earlier wake-ups.

        Without a shared broker that answers, wake the postman of this process, once until the wake-up has come.
        """
        if not (self.wakeups and self.wakeups.wake(mailing)) and mailing not in self._woken_for:
            self._woken_for.add(mailing)
            self.deliver.send(mailing)

    def woken(self, mailing: int) -> None:
        """Note that the wake-up for a mailing has come, so that the next one is sent."""
        self._woken_for.discard(mailing)

    @contextmanager
    def in_turn(self) -> Iterator[Postman]:
        """Hold the postman, which does one thing at a time, whichever broker runs it."""
        with self._at_work:
            yield self.postman

    def answer(self, mailing: int) -> None:
        """Handle a wake-up from the shared broker: pass it on to the next idle process, then deliver.

        A process that may not send holds its wake-up unacknowledged, so it gets no more.
        """
        while not self._may_send() and not self.stop.is_set():
            self.stop.wait(BEAT_SECONDS)
        if self.wakeups and not self.stop.is_set():
            self.wakeups.pass_on(mailing)
            self.deliver(mailing)

    def _may_send(self) -> bool:
        try:
            return not self.hindrance()
        except (SQLAlchemyError, OutreachError):
            return False

    def _open_wakeups(self) -> Wakeups | None:
        if not self.settings.broker_url:
            return None
        with self.database.reading() as session:
            queue = queue_of(session)
        return Wakeups(self.settings.broker_url, queue, self.answer)

    def _advance(self, wave: int) -> bool:
        with self.database.writing() as session:
            return launching.advance(session, wave, self.sending, now=self.clock())

    def _beat(self) -> None:
        while not self.stop.wait(BEAT_SECONDS):
            try:
                with self.database.writing() as session:
                    workers.give_sign(session, self.worker_id, now=self.clock())
            except SQLAlchemyError as error:
                logger.warning("no sign of life could be given: %s", error)


def build(broker: Broker, process: WorkProcess) -> tuple[Actor[[int], None], Actor[[], None]]:
    """The actors of a broker: deliver a mailing, attend to slow connections."""

    def deliver(mailing: int) -> None:
        try:
            process.woken(mailing)
            with process.in_turn() as postman:
                is_more = postman.deliver(mailing)
            if is_more:
                process.wake_for(mailing)
        except Exception:
            logger.exception("mailing %s: delivering broke off, the clock will ask again", mailing)

    def attend() -> None:
        try:
            with process.in_turn() as postman:
                postman.attend(1.0)
        except Exception:
            logger.exception("attending broke off, the clock will ask again")

    return actor(broker=broker)(deliver), actor(broker=broker)(attend)
