"""A process that serves pages, by granian, on a socket that it is handed: `python -m` this, with two file numbers.

The supervisor keeps the socket and starts the processes. granian could do both by itself. With it the socket ends with
its process, and the connections that wait there are refused. So its own master is left out.
"""

import asyncio
import ctypes
import io
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import IO, Any, ClassVar
from wsgiref.types import WSGIApplication, WSGIEnvironment

# Private names of granian, so requirements.txt pins its release. Its public ways do not do: `granian.server.embed`
# refuses WSGI; `granian` takes no open socket, refused 6,000 of 7,000 requests during a reload, reset what waited at a
# worker that was killed, and showed no page for 20 seconds beside 500 half-sent forms.
from granian import _granian
from granian._futures import _new_cbscheduler
from granian.http import HTTP1Settings
from sqlalchemy.exc import SQLAlchemyError

from outreach import logs
from outreach.alerts.watch import watch_clock
from outreach.app import create_app
from outreach.db import Database
from outreach.db.ways import Way
from outreach.errors import OutreachError
from outreach.processes.bodies import BROKEN, SHORT_THREADS, SHORT_WAITING, Bodies, Exchange, has_body, is_short
from outreach.processes.supervisor import WAITING
from outreach.settings import Settings, read
from outreach.web.client import came_by_https
from outreach.web.headers import fixed

PAGE_THREADS = 8  # in pages: 16 answered no faster, and took 30 MB more
HIT_THREADS = 24  # in openings and clicks, which wait there until all that came at once is stored
LONG_THREADS = 32  # that hold a long body, which may take a megabyte, until its page is answered
# granian's, each with little memory: no page is rendered in them. Bodies that are still coming leave enough to hits.
THREADS = SHORT_THREADS + SHORT_WAITING + LONG_THREADS + HIT_THREADS + 40
IDLE_SECONDS = 60  # after which a thread without work ends
MOST_OPEN = 4096  # connections of one process, nearly all of them idle
OTHER_FILES = 256  # that the process may have open: the database's, its own
HEAD_BYTES = 32_768  # of the line and the headers of a request, together
HEAD_SECONDS = 30  # in which they have to arrive
HITS = ("/o/", "/c/")
WATCH_SECONDS = 10.0  # from one look at the clock of what sends to the next
LAST_SECONDS = 1.0  # in which connections that were kept are closed by an answer
LEAVE_SECONDS = 7.0  # then, for what is under way
STOPS = {signal.SIGTERM, signal.SIGINT}
logger = logging.getLogger(__name__)


class StartedResponse:
    """The `start_response` of one request (PEP 3333), without its `write`."""

    def __init__(self) -> None:
        self.status: int = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        """Remember status and headers."""
        self.status, self.headers = int(status[:3]), headers
        return _refuse_write


def _refuse_write(_data: bytes) -> object:
    raise NotImplementedError("nothing here writes instead of returning a body")


class Answering:
    """What granian calls for each request, in one of its threads.

    A page is asked for once the whole request has come, in a thread of ours, and its answer is handed over whole. So a
    browser that reads slowly holds no thread, and one that sends slowly holds one of granian's, for a time (`bodies`).
    What waits for pages leaves threads to openings and clicks. The environment of the process stays out of that of the
    request, as it holds secrets.
    """

    fixed: ClassVar[WSGIEnvironment] = {
        "SCRIPT_NAME": "",
        "SERVER_SOFTWARE": "granian",
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multiprocess": True,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
        "wsgi.version": (1, 0),
    }

    def __init__(self, app: WSGIApplication, bodies: Bodies | None = None) -> None:
        self.app, self.bodies = app, bodies or Bodies()
        self.is_last = False  # whether each answer is the last one of its connection
        self._under_way = UnderWay()
        self._pages = ThreadPoolExecutor(PAGE_THREADS, "page")
        self._hits, self._long = FairTurns(HIT_THREADS), FairTurns(LONG_THREADS)

    def __call__(self, exchange: Exchange, request: WSGIEnvironment) -> None:
        """Answer one request, or have it answered by a thread of the pages."""
        with self._under_way:
            if is_short(request):
                if (body := self.bodies.read(exchange, request)) is not None:
                    self._hand_over(exchange, request, body)
            elif has_body(request):
                with self._long:
                    if (body := self.bodies.read(exchange, request)) is not None:
                        self._hand_over(exchange, request, body).result()
            elif request["PATH_INFO"].startswith(HITS):
                with self._hits:
                    self._answer(exchange, request)
            else:
                self._hand_over(exchange, request, io.BytesIO())

    def _hand_over(self, exchange: Exchange, request: WSGIEnvironment, body: IO[bytes]) -> Future[None]:
        self._under_way.__enter__()
        # What was read takes the place of granian's own input, which ends when `__call__` returns.
        return self._pages.submit(self._answer_page, exchange, {**request, "wsgi.input": body})

    def _answer_page(self, exchange: Exchange, request: WSGIEnvironment) -> None:
        with ExitStack() as ending:
            ending.push(self._under_way)
            ending.enter_context(request["wsgi.input"])
            self._answer(exchange, request)

    def _answer(self, exchange: Exchange, request: WSGIEnvironment) -> None:
        environ = {**self.fixed, **request}
        if came_by_https(request, self.bodies.proxies):
            environ["wsgi.url_scheme"] = "https"
        start = StartedResponse()
        try:
            whole = self._whole(environ, start)
        except Exception:  # beneath the pages, which answer their own faults; granian would answer in English
            logger.exception("a request was not answered", extra={"event": "request_failed"})
            start.status, start.headers, whole = 500, self.bodies.page, BROKEN
        last = [("Connection", "close")] if self.is_last else []
        exchange.response_bytes(start.status, [*start.headers, *last], whole)

    def _whole(self, environ: WSGIEnvironment, start: StartedResponse) -> bytes:
        body = self.app(environ, start)
        try:
            return b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()

    def wait(self, seconds: float) -> None:
        """Wait so long until no request is under way, not even one whose browser has gone: it may be writing."""
        self._under_way.wait(seconds)


class UnderWay:
    """Counts the requests that are under way."""

    def __init__(self) -> None:
        self._count, self._changed = 0, threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait so long until there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, seconds)


class FairTurns:
    """Lets so many threads in at once, in the order in which they came.

    A semaphore lets in whoever asks first when one leaves, often the same thread again: under load, others waited for
    seconds.
    """

    def __init__(self, room: int) -> None:
        self._room, self._waiting, self._lock = room, deque[threading.Event](), threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._room:
                self._room -= 1
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._room += 1


def serve(app: WSGIApplication, listening: int, on_ready: Callable[[], object], bodies: Bodies | None = None) -> None:
    """Serve until SIGTERM or SIGINT; then let connections go, and answer what has come, for 8 seconds at most.

    A browser that sends on a connection just when it is closed gets no answer. So for a second no connection is taken
    any more, every answer says that it is the last one of its connection, and only then those without a request are
    closed. What comes meanwhile waits for the process that takes over.

    `listening` is the number of a socket that is bound, and may listen already; `on_ready` is called once requests are
    answered.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # before threads begin, which inherit it: none is interrupted
    listener = socket.socket(fileno=listening)
    listener.listen(WAITING)  # its place may have been closed, as nobody began there
    listener.detach()
    answering = Answering(app, bodies)
    stop, stopped = _granian.WorkerSignal(), threading.Event()
    stop.add_cb(stopped.set)
    # granian's own description of its types is older than it is, or missing.
    granian: Any = _granian
    scheduler: Any = _new_cbscheduler
    worker = granian.WSGIWorker(
        worker_id=1,
        sock=(None, granian.SocketHolder(listening, False, WAITING)),
        ipc=None,
        blocking_threads=1,
        py_threads=THREADS,
        py_threads_idle_timeout=IDLE_SECONDS,
        backpressure=most_open(),
        http1_opts=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=HEAD_BYTES),
        metrics=(None, None),
    )
    loop = asyncio.new_event_loop()
    worker.serve_mtr(scheduler(loop, answering, impl_asyncio=True), loop, stop)
    on_ready()
    signal.sigwait(STOPS)
    _take_no_more(listening)
    answering.is_last = True
    time.sleep(LAST_SECONDS)
    stop.set()
    end = time.monotonic() + LEAVE_SECONDS
    stopped.wait(LEAVE_SECONDS)
    answering.wait(max(end - time.monotonic(), 0))


def _take_no_more(listening: int) -> None:
    """Put a socket to which nobody connects under the number by which granian takes connections.

    It has no way to be asked. The socket itself stays as it is, as the next process listens to it, too.
    """
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind("")  # an address that the system makes up
        silent.listen()
        silent.setblocking(False)
        os.dup2(silent.fileno(), listening)


def most_open() -> int:
    """How many connections may be open, after raising the limit of files; the next ones wait until one is closed.

    With one file too many granian would take no connection any more.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN + OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(most - OTHER_FILES, 1)


def watch(settings: Settings, database: Database) -> None:
    """Look for ever whether what sends is silent, as it cannot say so. Others tell of a database that is away.

    Beside that, memory that pages have freed goes back to the system.
    """
    while True:
        with suppress(SQLAlchemyError, OutreachError):
            watch_clock(database, settings.instant())
        give_back_memory()
        time.sleep(WATCH_SECONDS)


def give_back_memory() -> None:
    """Give freed memory back to the system, where the C library has a way to be asked (glibc).

    By itself it keeps whatever lies below something that is still held.
    """
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def main(listening: int, pipe: int) -> None:
    """Serve the pages of this installation, and write to the pipe once they are served."""
    os.umask(0o077)  # only this user may read what is written here
    logs.begin("web")
    settings = read()
    app = create_app(settings)

    def say_ready() -> None:
        os.write(pipe, b"1")
        os.close(pipe)
        # Only now: it inherits that stop signals are blocked.
        watched = app.extensions["outreach.database"].by(Way.CLOCK)
        threading.Thread(target=watch, args=(settings, watched), name="watch", daemon=True).start()

    serve(app, listening, say_ready, Bodies(headers=fixed(settings.mode), proxies=settings.proxies))
    app.extensions["outreach.database"].dispose()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)  # granian's threads may still be there, and do not bear that the interpreter is taken down


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
