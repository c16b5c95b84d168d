"""What protects pages in a browser: their headers, and letters' links that do not work in them."""

import secrets

from flask import Flask, Response, request

from outreach.web.ui.request import inert

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
