"""Where a request comes from, and by which scheme, also behind web servers that say so for it."""

from collections.abc import Iterator
from wsgiref.types import WSGIEnvironment

from outreach.settings.places import Network, address_of, is_within

Proxies = tuple[Network, ...]


def client_of(environ: WSGIEnvironment, proxies: Proxies) -> str:
    """The address that a request comes from.

    A web server that is believed (`proxies`) says for whom it asks: it adds the address that it saw itself at the end
    of `X-Forwarded-For`. So the list is read from its end, as far as those who wrote it are believed. Whoever asks may
    have written the rest.
    """
    place: str = environ.get("REMOTE_ADDR", "")
    for written in _hops(environ):
        if not is_within(place, proxies) or (address := address_of(written)) is None:
            break
        place = address
    return place


def _hops(environ: WSGIEnvironment) -> Iterator[str]:
    """The entries of `X-Forwarded-For`, the last one first; cut lazily, as the list may be as long as the headers."""
    rest: str = environ.get("HTTP_X_FORWARDED_FOR", "")
    while rest:
        rest, _, last = rest.rpartition(",")
        yield last.strip()


def came_by_https(environ: WSGIEnvironment, proxies: Proxies) -> bool:
    """Whether a web server that is believed says that it was asked by https."""
    last = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
    return last == "https" and is_within(environ.get("REMOTE_ADDR", ""), proxies)
