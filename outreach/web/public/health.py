"""The check for monitors, `/healthz`: whether the database answers, of which version it is, whether the clock ticks.

A WSGI application before the pages, without session or cookie: words only, nobody's data.
"""

import json
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from outreach.db import NO_ANSWER, Database, time_limit
from outreach.db.watch import DatabaseAway, DatabaseFault
from outreach.delivery import workers
from outreach.errors import TookTooLong
from outreach.settings import Settings
from outreach.web.ui.request import READING_SECONDS

PATH = "/healthz"
OK, UNAVAILABLE, LATE, UNKNOWN = "ok", "unavailable", "late", "unknown"


class Health:
    """Answers `/healthz`, and passes every other address to the pages.

    503 for the database or its version alone. A late clock is said with 200: answers and unsubscriptions go on.
    """

    def __init__(self, pages: WSGIApplication, database: Database, settings: Settings) -> None:
        self.pages, self.database, self.settings = pages, database, settings

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        if environ.get("PATH_INFO") != PATH:
            return self.pages(environ, start)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0")])
            return []
        words = self.words()
        body = json.dumps(words).encode() + b"\n"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start("200 OK" if words["status"] == OK else "503 Service Unavailable", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def words(self) -> dict[str, str]:
        """`status`, `database`, `schema` and `clock`, each a word."""
        time_limit.limit(READING_SECONDS)
        try:
            with self.database.reading() as session:
                passed = workers.last_pass(session)
                at = passed.at if passed else None
        except (*NO_ANSWER, TookTooLong) as error:
            self.database.note_fault(error)
            fault = error.fault if isinstance(error, DatabaseAway) else DatabaseFault.SILENT
            silent = fault is DatabaseFault.SILENT
            told = (DatabaseFault.SILENT.value, UNKNOWN) if silent else (OK, fault.value)
            return dict(zip(("status", "database", "schema", "clock"), (UNAVAILABLE, *told, UNKNOWN), strict=True))
        finally:
            time_limit.limit(None)
        is_late = workers.is_late(at, now=self.settings.instant())
        return {"status": OK, "database": OK, "schema": OK, "clock": LATE if is_late else OK}
