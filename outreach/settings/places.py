"""Tells what an address stands for: a port to listen on, this machine, a DNS server."""

import ipaddress
import re
from contextlib import suppress

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


def server_of(text: str) -> tuple[str, int] | None:
    """The IP address and the port of a DNS server: "192.0.2.53", "127.0.0.1:5353", "[::1]:53"; None if it is none."""
    host, port = text, "53"
    if text.count(":") == 1 or "]:" in text:
        host, _, port = text.rpartition(":")
    with suppress(ValueError):
        if 0 < int(port) < 65536:
            return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    return None
