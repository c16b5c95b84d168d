"""Tells what an address stands for: a port to listen on, this machine."""

import ipaddress


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
