"""Responses that show a letter to staff: a page with a frame, and the letter isolated in it."""

from flask import Response, abort, request

from outreach.web.ui.headers import POLICY

VIEWS = {"html": "Courriel", "text": "Texte", "source": "Source"}
# A letter may use inline style and open links in a new window. It runs no script and loads only its pixel.
# Its logo stands in it.
ALONE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)

# What its recipient opens in a browser: inline styles, no scripts, its pixel, and the logo, which stands in it.
ONLINE = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def asked_view() -> str:
    """The view of a letter in the query, a key of VIEWS. Aborts with 404 on any other."""
    view = request.args.get("view", "html")
    if view not in VIEWS:
        abort(404)
    return view


def around(page: str) -> Response:
    """A page that shows a letter in a frame."""
    return _under(page, f"{POLICY}; frame-src 'self'")


def alone(html: str) -> Response:
    """The letter alone, for that frame; its links open in a new window."""
    return _under(html.replace("<head>", '<head><base target="_blank">', 1), ALONE)


def _under(html: str, policy: str) -> Response:
    return Response(html, mimetype="text/html", headers={"Content-Security-Policy": policy})
