"""What is due, at each pass of the clock: waves, letters, mails, returns, domains, seals, deletions."""

import logging
import threading
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from outreach.access import accounts
from outreach.campaigns import channels
from outreach.campaigns.evidence import Rung
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.waves import (
    LOOK_EVERY,
    advance_wave,
    coming_waves,
    due_waves,
    failing_waves,
    finish_waves,
    is_free,
    news_of,
    note_drift,
    pause_failing_waves,
    ranked_audience,
    stage_audience,
)
from outreach.core import audit
from outreach.core.db import Database, try_lock
from outreach.core.settings import Mode, Settings
from outreach.core.text.dates import today
from outreach.delivery import deliverability, outbox, received, sending, workers
from outreach.delivery.bounces import BoxError
from outreach.delivery.sending import Lane, due_by_lane
from outreach.engagement import tracking
from outreach.operations.alerts import AlertKind
from outreach.operations.health import AlertWatch
from outreach.operations.worker.job_room import JobRoom
from outreach.operations.worker.mail_room import MailRoom
from outreach.operations.worker.push_room import PushRoom
from outreach.operations.worker.resilience import going_on, hindrance
from outreach.staff import asked_addresses, notifications

EVERY = timedelta(minutes=1)
logger = logging.getLogger(__name__)


class Sealing:
    """When this process sealed last, and for which day it told the head."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self._sealed_at: datetime | None = None
        self._head_told: date | None = None

    def seal(self) -> None:
        """Seal what came to the audit, a batch at a time: once a minute, or at each pass while more waits.

        The head of the chain goes to the log once a day, where nobody who changes the database changes it.
        """
        now = self.settings.instant()
        if self._sealed_at is None or abs(now - self._sealed_at) >= EVERY:
            with self.database.reading() as session:
                batch = audit.next_batch(session, now=now)
            if batch is None or len(batch.entries) < audit.MOST_ENTRIES:
                self._sealed_at = now
            if batch is not None:
                with self.database.writing() as session:
                    audit.add_seal(session, batch)
        if self._head_told != today(now):
            with self.database.reading() as session:
                last = audit.last_seal(session)
            if last is not None:
                # A demonstration's log is the terminal of whoever tries the program: nobody keeps a head there.
                level = logging.DEBUG if self.settings.mode is Mode.DEMO else logging.WARNING
                extra = {"event": "audit_head"}
                logger.log(level, "the audit's head is %s, of seal %s", last.digest, last.id, extra=extra)
                self._head_told = today(now)


MOVE_SECONDS = 2.0
LAUNCH_SECONDS = 4.0  # less than the interval of the clock


def pause_failing(settings: Settings, database: Database) -> None:
    """Pause the waves that fail too often. They are looked for in a reading transaction, which blocks no writer."""
    with database.reading() as session:
        is_failing = bool(failing_waves(session))
    if is_failing:
        with database.writing() as session:
            pause_failing_waves(session, now=settings.instant())


class DueWork:
    """What one process's clock finds due, and does; each step in transactions of its own."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        mail_room: MailRoom,
        job_room: JobRoom,
        relays: Sequence[str],
        stop: threading.Event,
    ) -> None:
        self.settings, self.database, self.clock = settings, database, settings.instant
        self.mail_room, self.job_room, self.relays, self.stop = mail_room, job_room, relays, stop
        self.place = workers.place_of(settings.data)
        self.sealing, self.push_room = Sealing(settings, database), PushRoom(settings, database, stop)
        self._drift_looked_at = self._climbed_at = self.clock() - LOOK_EVERY
        self.sending = SenderIdentity.of(settings)
        self.watch = AlertWatch(settings, database, self.relays, self.sending, mail_room.dispatcher.writer.worker_id)

    def start_waves(self) -> None:
        """Start due waves, one step of each in turn: one that is large, or cannot start, does not delay the others.

        Between the steps, dispatchers are woken for letters due elsewhere. After 4 s the rest is left for the next
        pass, as this one has other work, too.
        """
        end = time.monotonic() + LAUNCH_SECONDS
        while not self.stop.is_set():
            with self.database.reading() as session:
                waves = due_waves(session, now=self.clock())
            goes_on = False
            for wave in waves:
                with going_on(f"wave {wave}", self.database):
                    goes_on |= self._advance(wave)
            if not goes_on or time.monotonic() > end:
                return
            self.wake_due()

    def look_for_drift(self) -> None:
        """Note the coming waves whose audience has changed much since their approval, every five minutes.

        A wave whose audience cannot be counted is a line of the log; the others are noted.
        """
        now = self.clock()
        if abs(now - self._drift_looked_at) < LOOK_EVERY:
            return
        with self.database.reading() as session:
            waves = coming_waves(session, now=now)
        for wave in waves:
            with going_on(f"looking at the audience of wave {wave}", self.database):
                self._note_drift(wave)
        self._drift_looked_at = now

    def climb(self) -> None:
        """Stop the steps that are due no longer, and open those of rungs whose day has come, every five minutes."""
        now = self.clock()
        if abs(now - self._climbed_at) < LOOK_EVERY:
            return
        with self.database.reading() as session:
            waves, rungs = channels.open_steps(session, now=now), channels.due_rungs(session, now=now)
        for wave, steps in waves.items():
            with going_on(f"steps of wave {wave}", self.database):
                self._stop_steps(wave, steps)
        for wave, rung in rungs:
            with going_on(f"rung {rung.number} of wave {wave}", self.database):
                self._climb(wave, rung)
        self._climbed_at = now

    def wake_due(self) -> None:
        """Wake a dispatcher for each mailing that has letters due."""
        self.mail_room.discard_wakeups()
        with self.database.reading() as session:
            due = due_by_lane(session, now=self.clock())
        self.mail_room.wake_all(due)

    def settle(self, hindered: str) -> None:
        """Settle what time alone decides (doubts, ends of waves), and record this pass of the clock."""
        now = self.clock()
        pause_failing(self.settings, self.database)
        self._move_hits()
        with self.database.writing() as session:
            if try_lock(session, "clock"):  # else another process settles just this
                outbox.doubt_the_abandoned(session, now=now)
                tracking.settle_doubts(session, now=now)
                outbox.resend_the_doubtful(session, now=now)
                outbox.withdraw_stranded(session, now=now)
                finish_waves(session, now=now)
                notifications.empty_settled(session, now=now)
            no_relay = sending.relay_hindrance(session, self.relays, place=self.place, now=now)
            workers.clock_passed(session, hindered or no_relay, place=self.place, now=now)

    def tell(self) -> None:
        """Put into the outbox what people are to be told, and wake dispatchers for it.

        Nothing while no letter may leave from here: it is told once some may, for what is not too old by then.
        """
        if not hindrance(self.settings, self.database):
            for mailing in notifications.send_digests(self.database, self.sending, now=self.clock()):
                self.mail_room.wake_here(mailing, Lane.STAFF)
            if (told := notifications.send_access_news(self.database, self.sending, now=self.clock())) is not None:
                self.mail_room.wake_here(told, Lane.STAFF)
            guard = workers.guard_of(self.settings)
            key = accounts.request_key(self.settings.own_key)
            takes, now = self.settings.takes_password, self.clock()
            for mailing in notifications.answer_requests(
                self.database, self.sending, guard, key, takes_password=takes, now=now
            ):
                self.mail_room.wake_here(mailing, Lane.STAFF)

    def collect(self) -> None:
        """Handle what came back by mail."""
        fault = None
        try:
            received.collect_mails(self.database, self.settings, self.clock, self.stop)
        except BoxError as error:
            fault = error
        self.watch.note(AlertKind.RETURNS_UNREADABLE, is_so=fault is not None)
        asked_addresses.propose_absences(self.database, now=self.clock())  # of the mailbox that could be read
        if fault:
            raise fault

    def check_domains(self) -> None:
        """Ask DNS whether the domains of addresses take mail: outside any transaction, as each may take seconds."""
        with self.database.reading() as session:
            due = deliverability.due_domains(session, now=self.clock())
        if due:
            from outreach.delivery.deliverability import dns  # noqa: PLC0415 - most processes ask nothing

            asking = dns.dns_resolver(self.settings.dns_server)
            verdicts = dns.look_up(due, asking, self.stop)
            with self.database.writing() as session:
                deliverability.record_domains(session, verdicts, now=self.clock())

    def _move_hits(self) -> None:
        """Move the hits that came since the last pass, for two seconds at most: a slice of them in each transaction."""
        end = time.monotonic() + MOVE_SECONDS
        with self.database.reading() as session:
            is_more = tracking.is_any(session)
        while is_more and time.monotonic() < end and not self.stop.is_set():
            with self.database.writing() as session:
                is_more = tracking.move_hits(session) == tracking.SLICE
            self.stop.wait(tracking.REST_SECONDS)

    def _note_drift(self, wave: int) -> None:
        with self.database.reading() as session:
            words = news_of(session, wave, now=self.clock())
        if words:
            with self.database.writing() as session:
                note_drift(session, wave, words, now=self.clock())

    def _stop_steps(self, wave: int, steps: Sequence[int]) -> None:
        for start in range(0, len(steps), channels.SLICE):
            some = steps[start : start + channels.SLICE]
            with self.database.reading() as session:
                ended = channels.stopped_steps(session, wave, some, now=self.clock())
            if ended:
                with self.database.writing() as session:
                    channels.stop_steps(session, wave, ended, now=self.clock())

    def _climb(self, wave: int, rung: Rung) -> None:
        """Open the steps of a rung, slice by slice, each in a short transaction."""
        after, is_more = 0, True
        while is_more and not self.stop.is_set():
            with self.database.reading() as session:
                found, after = channels.due_candidates(session, wave, rung, after=after, now=self.clock())
            if found:
                with self.database.writing() as session:
                    channels.open_due_steps(session, wave, rung, found, self.sending, now=self.clock())
            is_more = after > 0

    def _advance(self, wave: int) -> bool:
        """Take one step of a wave. Its audience is ranked where nobody waits for it, then staged slice by slice."""
        with self.database.reading() as session:
            if not is_free(session, wave):
                return False
            ranking = ranked_audience(session, wave, now=self.clock())
        while ranking is not None:
            with self.database.writing() as session:
                if not stage_audience(session, wave, ranking, now=self.clock()):
                    break
        with self.database.writing() as session:
            return advance_wave(session, wave, self.sending, now=self.clock())
