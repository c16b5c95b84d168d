"""Tells what an address stands for: a port to listen on, this machine, a DNS server, the web servers in front."""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HOST = re.compile(r"\w(?:[\w.-]{0,252}\w)?")


def is_place(value: str) -> bool:
    """Whether this is `host:port`."""
    host, _, port = value.rpartition(":")
    return bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) < 65536


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself, by its address or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_local_name(host: str) -> bool:
    """Whether this host is the machine itself, or a name that stands for it everywhere (RFC 6761 §6.3)."""
    return is_loopback(host) or host.endswith(".localhost")


def is_host(host: str) -> bool:
    """Whether this can be a host: a name or an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return HOST.fullmatch(host) is not None
    return True


def network_of(text: str) -> Network | None:
    """The network of an address ("192.0.2.1") or a network ("192.0.2.0/24", "2001:db8::/64"); None if it is none."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def is_within(place: str, networks: Iterable[Network]) -> bool:
    """Whether an address belongs to one of these networks."""
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return False
    # A socket that listens for both kinds shows IPv4 addresses as ::ffff:192.0.2.1.
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)


def address_of(text: str) -> str | None:
    """The address that a web server writes, a port left out ("192.0.2.1:4711", "[::1]:80"); None if it is none."""
    place = server_of(text)
    return place[0] if place else None


def server_of(text: str) -> tuple[str, int] | None:
    """The IP address and the port of a DNS server: "192.0.2.53", "127.0.0.1:5353", "[::1]:53"; None if it is none."""
    host, port = text, "53"
    if text.count(":") == 1 or "]:" in text:
        host, _, port = text.rpartition(":")
    with suppress(ValueError):
        if 0 < int(port) < 65536:
            return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    return None
