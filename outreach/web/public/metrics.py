"""The figures for a monitor, `/metrics`, for whoever has the token of `OUTREACH_METRICS_TOKEN`.

A WSGI application before the pages, without session or cookie. Without the setting the address is one of the pages',
which know none such.
"""

import hmac
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from outreach.checks.figures import Figures
from outreach.db import Database
from outreach.settings import Settings

PATH = "/metrics"
TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Answers `/metrics` where a token is set, and passes every other address to the pages."""

    def __init__(self, pages: WSGIApplication, database: Database, settings: Settings) -> None:
        self.pages, self._figures = pages, Figures(settings, database)
        self._token = settings.metrics_token.get_secret_value()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""
        if not self._token or environ.get("PATH_INFO") != PATH:
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
