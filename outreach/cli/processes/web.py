"""What granian serves: the application, in each of the processes of pages that it starts (`wsgi.py` names it).

granian is started by its public command line (`cli/running/web.py`). What it leaves to be done is done here: the
process's environment stays out of requests, their scheme is the web server's in front, answers are handed over whole.
"""

import ctypes
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from sqlalchemy.exc import SQLAlchemyError

from outreach.cli.processes.leaving import end_with, leave_in_order
from outreach.core.db import Database, Way
from outreach.core.settings import Settings, read
from outreach.core.text import logs
from outreach.core.text.errors import OutreachError
from outreach.operations.health import watch_clock
from outreach.web.app import create_app
from outreach.web.ui.headers import fixed
from outreach.web.ui.request import came_by_https

PAGE_THREADS = 8  # in pages: 16 answered no faster, and took 30 MB more
HITS = ("/o/", "/c/")
OF_REQUESTS = ("CONTENT_", "HTTP_", "PATH_INFO", "QUERY_STRING", "REMOTE_", "REQUEST_", "SCRIPT_", "SERVER_", "wsgi.")
WATCH_SECONDS = 10.0  # from one look at the clock of what sends to the next
BROKEN = (
    "<!doctype html>\n<html lang=fr><meta charset=utf-8><title>Erreur du service</title>\n"
    "<h1>Erreur du service</h1>\n<p>Rien n’a été enregistré. Réessayez plus tard.</p>\n"
).encode()
PAGE = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")]
logger = logging.getLogger(__name__)


class Served:
    """The application as granian calls it, in one of its threads for each request.

    A page is rendered in a thread of ours, in the order in which pages were asked for, while granian's waits. granian
    puts the environment of the process, which holds secrets, into each request: its names are taken out again. What
    could pass there for a part of a request is taken out of the environment itself.
    """

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self._app, self._proxies, self._broken = app, settings.proxies, [*PAGE, *fixed(settings.mode)]
        self._pages = ThreadPoolExecutor(PAGE_THREADS, "page")
        for name in [name for name in os.environ if name.startswith(OF_REQUESTS)]:
            del os.environ[name]
        self._hidden = tuple(os.environ)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        """WSGI (PEP 3333). A list is what granian sends whole; anything else it sends piece by piece."""
        for name in self._hidden:
            environ.pop(name, None)
        if came_by_https(environ, self._proxies):
            environ["wsgi.url_scheme"] = "https"
        if environ["PATH_INFO"].startswith(HITS):
            return self._answer(environ, start)
        # So a body has the length that was said, or is refused: granian ends one whose sender went away as any other.
        environ.pop("wsgi.input_terminated", None)
        return self._pages.submit(self._answer, environ, start).result()

    def _answer(self, environ: WSGIEnvironment, start: StartResponse) -> list[bytes]:
        try:
            return [_whole(self._app(environ, start))]
        except Exception:  # beneath the pages, which answer their own faults; granian would answer in English
            logger.exception("a request was not answered", extra={"event": "request_failed"})
            start("500 Internal Server Error", self._broken)
            return [BROKEN]


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


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


def application() -> Served:
    """The application of this installation, in a process that begins to serve it."""
    os.umask(0o077)  # only this user may read what is written here
    end_with(os.getppid())
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before threads begin, which inherit it
    threading.Thread(target=leave_in_order, name="leave", daemon=True).start()
    logs.begin("web")
    settings = read()
    app = create_app(settings)
    watched = app.extensions["outreach.database"].by(Way.CLOCK)
    threading.Thread(target=watch, args=(settings, watched), name="watch", daemon=True).start()
    return Served(app, settings)
