"""A connection that takes too long is cut, whoever is at its other end."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer


@contextmanager
def cut_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """End a connection after so long, from another thread: whoever sends a byte a second would keep ours for ever.

    The socket itself is cut: `HTTPSConnection` forgets it as soon as an answer says that it will close, and TLS's own
    shutdown would go on reading in the clear.
    """

    def cut() -> None:
        with suppress(OSError):  # it has ended meanwhile
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    limit = Timer(seconds, cut)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
