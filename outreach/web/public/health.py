"""What programs look up: `/healthz`, `/metrics`, and the addresses that any site has.

A WSGI application before the pages, without session or cookie: words only, nobody's data.

A WSGI application before the pages, without session or cookie. Without the setting the address is one of the pages',
which know none such.
"""

import hmac
import json
from collections.abc import Iterable
from datetime import timedelta
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, abort, redirect, url_for
from werkzeug.wrappers import Response as Redirect

from outreach.core.db import NO_ANSWER, Database, time_limit
from outreach.core.db.watch import DatabaseAway, DatabaseFault
from outreach.core.settings import Settings
from outreach.core.text.errors import TookTooLong
from outreach.delivery import workers
from outreach.operations.health import Figures
from outreach.web.ui.request import READING_SECONDS, now, settings

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


METRICS_PATH = "/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Answers `/metrics` where a token is set, and passes every other address to the pages."""

    def __init__(self, pages: WSGIApplication, database: Database, settings: Settings) -> None:
        self.pages, self._figures = pages, Figures(settings, database)
        self._token = settings.metrics_token.get_secret_value()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        if not self._token or environ.get("PATH_INFO") != METRICS_PATH:
            return self.pages(environ, start)
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0")])
            return []
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
            return []
        body = self._figures.text()
        start("200 OK", [("Content-Type", TYPE), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


VALID_FOR = timedelta(days=180)  # RFC 9116 §2.5.5 asks for less than a year
pages = Blueprint("well_known", __name__, url_prefix="/.well-known")


@pages.get("/security.txt")
def security() -> Response:
    """RFC 9116. 404 where the ministry names no page."""
    contact = settings().official_page
    if not contact:
        abort(404)
    lines = (
        f"Contact: {contact}",
        f"Expires: {now() + VALID_FOR:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: fr, en",
        f"Canonical: {settings().address}/.well-known/security.txt",
    )
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")


@pages.get("/change-password")
def change_password() -> Redirect:
    """Where password managers send people (https://w3c.github.io/webappsec-change-password-url/)."""
    return redirect(url_for("account.password"))
