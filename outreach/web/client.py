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
    have written the rest; and all of it as `X_Forwarded_For`, which reaches a WSGI application under the same name and
    in place of what the web server said. Nothing passes for `Forwarded` (RFC 7239): where that comes, it has to agree.
    """
    place: str = environ.get("REMOTE_ADDR", "")
    forwarded: str | None = environ.get("HTTP_FORWARDED")
    hops = _from_the_end(environ.get("HTTP_X_FORWARDED_FOR", ""))
    agreed = None if forwarded is None else map(_address_in, _from_the_end(forwarded))
    for address in map(address_of, hops):
        if not is_within(place, proxies) or address is None or (agreed and next(agreed, None) != address):
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


def _from_the_end(rest: str) -> Iterator[str]:
    """The entries of a list, the last one first; cut lazily, as the list may be as long as the headers."""
    while rest:
        rest, _, last = rest.rpartition(",")
        yield last.strip()


def _address_in(entry: str) -> str | None:
    """The address in an entry of `Forwarded`, such as `for="[2001:db8::5]:4711";proto=https`."""
    pairs = (pair.partition("=") for pair in entry.split(";"))
    written = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return address_of(written.get("for", "").strip('"'))


def came_by_https(environ: WSGIEnvironment, proxies: Proxies) -> bool:
    """Whether a web server that is believed says that it was asked by https."""
    last = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip()
    return last == "https" and is_within(environ.get("REMOTE_ADDR", ""), proxies)
