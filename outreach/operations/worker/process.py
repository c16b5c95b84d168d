"""The work process, which sends what is due: it joins the workers, works until it is told to stop, and leaves.

The database is the queue; a wake-up is only a hint. The clock finds what is due, the mail room sends.
"""

import threading
from collections.abc import Callable, Sequence

from outreach.core.db import Database, Way
from outreach.core.settings import Settings
from outreach.delivery import sending, workers
from outreach.delivery.sending import Dispatcher, Failpoint, LetterSource
from outreach.delivery.smtp import Pool, Relay
from outreach.operations.worker.due import DueWork, pause_failing
from outreach.operations.worker.job_room import JobRoom
from outreach.operations.worker.mail_room import MailRoom
from outreach.operations.worker.resilience import going_on, may_send
from outreach.operations.worker.wakeups import queue_of

BEAT_SECONDS = 5.0
LONGEST_SECONDS = 45  # of a transaction: others that wait for the locks of a frozen process go on within a minute


def relays_of(settings: Settings) -> list[Relay]:
    """The relays of this installation, in order of preference."""
    return [Relay.at(url, settings.sending_domain) for url in settings.relays]


class WorkProcess:
    """One work process: its mail room, what its clock finds due, and a sign of life every few seconds."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        source: LetterSource,
        on_failpoint: Callable[[Failpoint], None] | None = None,
    ) -> None:
        database = database.by(Way.CLOCK)
        self.settings, self.database, self.clock = settings, database, settings.instant
        self.stop = threading.Event()
        database.limit_transactions(LONGEST_SECONDS)
        self.place = workers.place_of(settings.data)
        relays = relays_of(settings)
        names = [relay.name for relay in relays]
        self.worker_id = self._join(names)
        dispatcher = Dispatcher(
            database,
            Pool(relays, workers.guard_of(settings)),
            source,
            self.clock,
            worker_id=self.worker_id,
            place=self.place,
            stop=self.stop,
            on_failpoint=on_failpoint,
            pause_failing=lambda: pause_failing(settings, database),
        )
        self.mail_room = MailRoom(dispatcher, database, lambda: may_send(settings, database), self._broker("wakeups"))
        jobs = self._broker("jobs")
        self.job_room = JobRoom(settings, database, self.stop, jobs, letters_leave=lambda: self.mail_room.is_at_work)
        self.due = DueWork(settings, database, self.mail_room, self.job_room, names, self.stop)
        self._pulse = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def open(self) -> None:
        """Start the threads of the mail room and of the sign of life."""
        self.mail_room.open()
        self.job_room.open()
        self._pulse.start()

    def close(self) -> None:
        """Stop in order: the round under way ends, and its answers are awaited and recorded."""
        self.stop.set()
        self.job_room.close()
        self.mail_room.close()
        self._pulse.join()
        with self.database.writing() as session:
            workers.leave(session, self.worker_id, now=self.clock())

    def _join(self, names: Sequence[str]) -> str:
        with self.database.writing() as session:
            now = self.clock()
            worker_id = workers.join_in(session, now=now)
            sending.try_at_start(session, names, place=self.place, now=now)
            workers.settle_in(session, workers.read(self.settings.data), now=now)
        return worker_id

    def _broker(self, about: str) -> tuple[str, str] | None:
        if not self.settings.broker_url:
            return None
        with self.database.reading() as session:
            return self.settings.broker_url, queue_of(session, about)

    def _beat(self) -> None:
        while not self.stop.wait(BEAT_SECONDS):
            with going_on("giving a sign of life", self.database):
                overdue = self.mail_room.dispatcher.pool.longest_overdue()
                with self.database.writing() as session:
                    workers.give_sign(session, self.worker_id, now=self.clock(), overdue=overdue)
                self.database.note_answer()
