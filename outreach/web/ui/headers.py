"""The headers that every answer has, and those that protect pages in a browser."""

import secrets
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request

from outreach.core.settings import Mode
from outreach.web.ui.request import inert

# What a browser could do for a page, and no page of ours asks for: what could harm somebody, as each answer carries it.
UNUSED = ("browsing-topics", "camera", "display-capture", "geolocation", "microphone", "payment", "serial", "usb")
EVERYWHERE = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", ", ".join(f"{feature}=()" for feature in UNUSED)),
    ("X-Content-Type-Options", "nosniff"),
    ("Server", ""),  # granian writes its own name into an answer without this header
)
# What letters show is loaded by mail programs and by readers on other sites; the rest by our own pages only.
IN_LETTERS = ("Cross-Origin-Resource-Policy", "cross-origin")
AMONG_US = ("Cross-Origin-Resource-Policy", "same-origin")
TLS_ONLY = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
UNSTORED = ("Cache-Control", "no-store")


def fixed(mode: Mode, *, in_letters: bool = False) -> list[tuple[str, str]]:
    """The headers of any answer; those of what letters show let other sites load it.

    Outside a demonstration they tell browsers never to come without TLS, which a demonstration does not have.
    """
    more = [] if mode is Mode.DEMO else [TLS_ONLY]
    return [*EVERYWHERE, IN_LETTERS if in_letters else AMONG_US, *more]


class Headed:
    """A WSGI application whose answers all have the fixed headers; what says nothing of caches is not stored."""

    def __init__(self, app: WSGIApplication, mode: Mode) -> None:
        self.app = app
        self._added = [(header, header[0].lower()) for header in [*fixed(mode), UNSTORED]]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI (PEP 3333)."""

        def begin(status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
            said = {name.lower() for name, _ in headers}
            return start(status, [*headers, *(header for header, name in self._added if name not in said)])

        return self.app(environ, begin)


POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
FOR_PROGRAMS = {"api"}  # the blueprint that says of each answer whether it may be kept, and asked for again
FOR_RECIPIENTS = {"public", "mailbox"}  # the blueprints whose links work; a demonstration's mailbox stands for them


def install(app: Flask) -> None:
    """Protect what an application answers."""
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    is_for_staff = request.blueprint not in FOR_RECIPIENTS and not response.direct_passthrough
    if is_for_staff and (response.mimetype or "").startswith("text/"):
        shown = response.get_data(as_text=True)
        if (safe := inert(shown)) != shown:
            response.set_data(safe)
    response.headers.setdefault("Content-Security-Policy", POLICY)
    if response.mimetype == "text/html":
        # A length at random: nobody learns from the size of a compressed page what it says (BREACH).
        response.headers["X-Padding"] = "x" * secrets.randbelow(100)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.blueprint not in FOR_PROGRAMS or "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
