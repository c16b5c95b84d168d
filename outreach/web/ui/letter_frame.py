"""A letter shown to staff: in a frame of its own, as text or as source; nothing of it runs in the page around it."""

from flask import Response, abort, request

from outreach.web.ui.frame import POLICY

VIEWS = {"html": "Courriel", "text": "Texte", "source": "Source"}
# Its inline style, its links in a window of their own, no script, nothing loaded but its pixel.
ALONE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


def asked_view() -> str:
    """Which view of a letter the address asks for; one that does not exist is no page."""
    view = request.args.get("view", "html")
    if view not in VIEWS:
        abort(404)
    return view


def around(page: str) -> Response:
    """A page that shows a letter in a frame."""
    return _under(page, f"{POLICY}; frame-src 'self'")


def alone(html: str) -> Response:
    """The letter itself, for that frame; its links open elsewhere."""
    return _under(html.replace("<head>", '<head><base target="_blank">', 1), ALONE)


def _under(html: str, policy: str) -> Response:
    return Response(html, mimetype="text/html", headers={"Content-Security-Policy": policy})
