"""Where a request comes from, and by which scheme, also behind web servers that say so for it."""

import ipaddress
from collections.abc import Iterator
from wsgiref.types import WSGIEnvironment

from outreach.settings.places import Network, address_of, is_within

Proxies = tuple[Network, ...]
OF_ONE = 64  # bits of the IPv6 network in which whoever is connected takes any address (RFC 4291 §2.5.1)
OF_SITE = 48  # bits of the largest one that a site has for itself (RFC 6177)


def client_of(environ: WSGIEnvironment, proxies: Proxies, bits: int = OF_ONE) -> str:
    """The address that a request comes from; of an IPv6 one the network, as whoever asks may change the rest at will.

    A web server that is believed (`proxies`) says for whom it asks: it adds the address that it saw itself at the end
    of `X-Forwarded-For`. So the list is read from its end, as far as those who wrote it are believed. Whoever asks may
    have written the rest.
    """
    place: str = environ.get("REMOTE_ADDR", "")
    for written in _hops(environ):
        if not is_within(place, proxies) or (address := address_of(written)) is None:
            break
        place = address
    return _client_at(place, bits)


def _client_at(place: str, bits: int) -> str:
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return place
    if isinstance(address, ipaddress.IPv4Address):
        return place
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), bits), strict=False))


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
