"""What pages note in the trail: one queue a process writes it after the answers, in transactions of its own."""

import logging
import threading
import time
from collections.abc import Sequence
from functools import partial
from queue import Empty, Full, Queue

from flask import Flask, Response, current_app, g, request
from flask_login import current_user

from outreach.access import accounts
from outreach.access.accounts import LogLine, Seen, TrailKind
from outreach.core.db import NO_ANSWER, Database
from outreach.core.text.logs import told
from outreach.web.ui.request import actor, now

EXTENSION = "outreach.trail"
MOST_WAITING, MOST_REMEMBERED = 10_000, 10_000
AGAIN_SECONDS = (0.0, 1.0, 5.0)  # before each try to write a batch
LAST_SECONDS = 1.0  # in which a process that ends writes what waits
LETTERS = {"campaigns.received", "campaigns.received_html"}  # the views of a letter as it left
logger = logging.getLogger(__name__)


class TrailQueue:
    """Writes lines in one thread, which starts with the first: no answer waits for it, nor fails with it.

    Lines that repeat others open no transaction, so that a flood of failures holds up no writer. When the database does
    not answer, lines are lost, which the log says.
    """

    gather_seconds = 0.1  # after the first line, for those of the same moment

    def __init__(self, database: Database) -> None:
        self._database, self._waiting, self._starts = database, Queue[LogLine](MOST_WAITING), threading.Lock()
        self._thread: threading.Thread | None = None
        self._last: Seen = {}

    def put(self, line: LogLine) -> None:
        """Write a line, soon. It is lost when too many wait."""
        try:
            self._waiting.put_nowait(line)
        except Full:
            logger.warning(
                "a line of the trail is lost: %s wait already", MOST_WAITING, extra={"event": "trail_lines_lost"}
            )
        if self._thread is None or not self._thread.is_alive():  # a process that was forked has no thread
            self._start()

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait so long until what was put is written or lost; whether it is."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(lambda: self._waiting.unfinished_tasks == 0, seconds)

    def _start(self) -> None:
        with self._starts:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="trail", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            time.sleep(self.gather_seconds)
            try:
                while True:
                    batch.append(self._waiting.get_nowait())
            except Empty:
                pass
            try:
                self._write(accounts.without_repeats(batch, self._last))
            except Exception:  # the thread goes on with the next lines
                logger.exception("%s lines of the trail are lost", len(batch), extra={"event": "trail_failed"})
            finally:
                for _ in batch:
                    self._waiting.task_done()

    def _write(self, lines: Sequence[LogLine]) -> None:
        if len(self._last) > MOST_REMEMBERED:
            self._last.clear()
        if not lines:
            return
        for wait in AGAIN_SECONDS:
            time.sleep(wait)
            try:
                with self._database.writing() as session:
                    accounts.add_access_lines(session, lines)
            except NO_ANSWER as error:
                fault = error
            else:
                return
        logger.warning(
            "%s lines of the trail are lost: %s", len(lines), told(fault), extra={"event": "trail_lines_lost"}
        )


def install(app: Flask, database: Database) -> None:
    """Give an application its queue, and note what answers tell: refusals, exports, letters opened."""
    app.extensions[EXTENSION] = queue = TrailQueue(database)
    database.before_dispose(partial(queue.flush, LAST_SECONDS))
    app.after_request(_note_answer)


def note(kind: TrailKind, person: str, detail: str = "") -> None:
    """Put a line into the trail of the running application, at the instant of the request."""
    queue: TrailQueue = current_app.extensions[EXTENSION]
    queue.put(LogLine(now(), kind, person, "".join(filter(str.isprintable, detail))))


def of_export(told: str) -> None:
    """What the trail says of the file that this request answers with: its address says too little, or too much."""
    g.exported = told


def _note_answer(response: Response) -> Response:
    if response.status_code == 403:
        note(TrailKind.REFUSED, _person(), f"{request.method} {request.path}")
    elif response.status_code == 200 and request.endpoint in LETTERS:
        seen = request.view_args or {}
        note(TrailKind.LETTER_OPENED, _person(), f"campagne {seen['number']}, courriel {seen['message']}")
    elif response.status_code == 200 and "attachment" in response.headers.get("Content-Disposition", ""):
        note(TrailKind.EXPORTED, _person(), g.get("exported") or request.full_path.rstrip("?"))
    return response


def _person() -> str:
    return actor() if current_user.is_authenticated else ""
