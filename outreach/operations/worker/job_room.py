"""The job room: the thread of a work process that does jobs, each in a child, beside the letters that leave.

The child is niced, and has limits of processor time and memory. This thread keeps its lease, and ends the child when
the job is cancelled, takes too long, or the process stops. While letters leave from this process, it has the child
take the processor only when nothing else wants it. A child whose process is killed ends by itself: it reads from a
pipe that closes then.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from outreach.core import jobs
from outreach.core.db import Database
from outreach.core.jobs import JobState, LeaseLost
from outreach.core.settings import ROOT, Settings
from outreach.core.text.logs import told
from outreach.operations.worker.resilience import EXPECTED, going_on
from outreach.operations.worker.wakeups import Wakeups

AWAY = os.EX_TEMPFAIL  # a child ends with it when the database does not answer: its job is not at fault
LONGEST_SECONDS = 3_600  # of a job
LOOK_SECONDS = 1.0  # from one look at a child to the next
RENEW_SECONDS = 4.0
TOO_LONG = "Cette tâche a été arrêtée après une heure. Demandez moins à la fois."
CHILD = (sys.executable, "-m", "outreach.cli.running.job_child")
logger = logging.getLogger(__name__)


class JobRoom:
    """Does the jobs that are due, one at a time, and gives way while `letters_leave`.

    `broker` is the URL of a shared broker and its queue, if any.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        stop: threading.Event,
        broker: tuple[str, str] | None = None,
        child: Sequence[str] = CHILD,
        letters_leave: Callable[[], bool] = lambda: False,
    ) -> None:
        self.database, self.clock, self.stop, self._child = database, settings.instant, stop, child
        self._offset, self._letters_leave = settings.clock_offset, letters_leave
        self.wakeups = Wakeups(*broker, self._answer) if broker else None
        self._knock, self._is_idle = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobs")

    def open(self) -> None:
        """Start to work."""
        self._thread.start()
        if self.wakeups:
            self.wakeups.open()

    def close(self) -> None:
        """Stop, once `stop` is set: the child under way ends, and its job waits for another process."""
        self._knock.set()
        self._thread.join()
        if self.wakeups:
            self.wakeups.close()

    def wake(self) -> None:
        """Have this process look for a job."""
        self._knock.set()

    def _answer(self, _mailing: int) -> None:
        """Handle a wake-up from the shared broker. A busy process holds it, so that it gets no more."""
        self._is_idle.clear()
        self.wake()
        while not self._is_idle.wait(LOOK_SECONDS) and not self.stop.is_set():
            pass

    def look(self) -> None:
        """At each pass of the clock: look for a job here and, over the broker, in whichever process is idle."""
        with self.database.reading() as session:
            is_due = jobs.anything_due(session, now=self.clock())
        if is_due:
            self.wake()
            if self.wakeups:
                self.wakeups.clear()
                self.wakeups.wake(0)

    def _run(self) -> None:
        while not self.stop.is_set():
            self._is_idle.set()
            self._knock.wait()
            self._knock.clear()
            self._is_idle.clear()
            try:
                with going_on("doing jobs", self.database):
                    while not self.stop.is_set() and (claimed := self._claim()):
                        self._do(*claimed)
            except Exception:  # without this thread the process would do no job any more, and say nothing
                logger.exception("doing jobs broke off, the clock will ask again", extra={"event": "jobs_failed"})

    def _claim(self) -> tuple[int, str] | None:
        with self.database.writing() as session:
            return jobs.claim_job(session, now=self.clock())

    def _do(self, number: int, lease: str) -> None:
        command = [*self._child, str(number), lease]
        environment = {**os.environ, "OUTREACH_CLOCK_OFFSET": str(self._offset)}
        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, env=environment, process_group=0) as child:  # noqa: S603 our own
            try:
                is_too_long = self._watch(child, number, lease)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)  # with those that it started, as one that reads a workbook
        if child.returncode == AWAY:
            return  # its lease runs out: by then the database may answer
        with going_on(f"giving job {number} back", self.database), self.database.writing() as session:
            if is_too_long:
                jobs.end_job(session, number, lease, JobState.FAILED, now=self.clock(), said=TOO_LONG)
            else:
                jobs.put_back(session, number, lease, now=self.clock(), broke=not self.stop.is_set())

    def _watch(self, child: "subprocess.Popen[bytes]", number: int, lease: str) -> bool:
        """Keep the lease until the child ends, or has to; returns whether it took too long."""
        begun = renewed = time.monotonic()
        while child.poll() is None and not self.stop.is_set():
            if time.monotonic() - begun > LONGEST_SECONDS:
                return True
            give_way(child.pid, self._letters_leave())
            if time.monotonic() - renewed > RENEW_SECONDS:
                renewed = time.monotonic()
                try:
                    with self.database.writing() as session:
                        jobs.renew_lease(session, number, lease, now=self.clock())
                except LeaseLost:
                    return False
                except EXPECTED as error:
                    said = "the lease of job %s could not be renewed: %s"
                    logger.warning(said, number, told(error), extra={"event": "job_lease_lost"})
            try:
                child.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        return False


def give_way(process: int, is_asked: bool) -> None:
    """Have a process take the processor only while nothing else wants it, or as its niceness says again.

    Never for longer than asked: beside a machine that is always busy, it would hardly go on. Going back needs a right
    that few processes have (`LimitNICE` of systemd); without it, the process stays as it is.
    """
    if not hasattr(os, "SCHED_IDLE"):
        return
    wanted = os.SCHED_IDLE if is_asked else os.SCHED_OTHER
    with suppress(OSError):
        if os.sched_getscheduler(process) != wanted:
            os.sched_setscheduler(process, wanted, os.sched_param(0))
