"""The network address that a request comes from, also behind a web server on this machine."""

from wsgiref.types import WSGIEnvironment

PROXIES = {"127.0.0.1", "::1"}


def client_of(environ: WSGIEnvironment) -> str:
    """The address that a request comes from: a web server on this machine says for whom it asks.

    Of several it is the last one, which that server saw itself. Whoever asks may write the others.
    """
    place: str = environ.get("REMOTE_ADDR", "")
    said: str = environ.get("HTTP_X_FORWARDED_FOR", "") if place in PROXIES else ""
    return said.rpartition(",")[2].strip() or place
