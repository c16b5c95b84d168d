"""Delivers one batch over HTTPS: its target is resolved once, judged, and connected to by that very address."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from http.client import HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.hooks import signatures
from outreach.pushes.pushing import NotDelivered
from outreach.pushes.targets import is_public

STEP_SECONDS, WHOLE_SECONDS = 5.0, 15.0
MOST_READ = 4_096
MEDIA_TYPE = "application/cloudevents-batch+json"
SALT = "pushes"
Resolve = Callable[[str, int], list[str]]


def key_of(installation: str) -> Ed25519PrivateKey:
    """The key that signs what this installation pushes: made anew from its own secret each time, and kept nowhere."""
    return Ed25519PrivateKey.from_private_bytes(signatures.secret_of(installation, SALT))


def public_of(key: Ed25519PrivateKey) -> str:
    """The public half, as programs write it (`whpk_…`)."""
    return signatures.written_public(key.public_key().public_bytes_raw())


def resolved(host: str, port: int) -> list[str]:
    """The addresses that a name leads to. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class _Pinned(HTTPSConnection):
    """A connection to an address that was judged: its name is only what the certificate has to be of."""

    def __init__(self, host: str, port: int, address: str, trusted: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS, context=trusted)
        self._address, self._trusted = address, trusted

    def connect(self) -> None:
        """Connect to the address, and to no other."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=self.host)


class Delivering:
    """Delivers signed batches. `resolve` and `trusted` are the machine's own, except in tests."""

    def __init__(
        self, key: Ed25519PrivateKey, resolve: Resolve = resolved, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._key, self._resolve = key, resolve
        self._trusted = trusted or ssl.create_default_context()

    def __call__(self, url: str, identity: str, body: bytes, now: datetime) -> str:
        """Deliver a body; returns what was answered. Raises NotDelivered: a redirect is followed nowhere."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        address = self._judged(host, port)
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        stamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": MEDIA_TYPE,
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": signatures.sign(self._key, signatures.content(identity, stamp, body)),
        }
        status = self._status(_Pinned(host, port, address, self._trusted), target, body, headers)
        if not 200 <= status < 300:
            raise NotDelivered(f"La réponse est {status}.")
        return f"Réponse {status}."

    def _judged(self, host: str, port: int) -> str:
        """One address, of a name whose addresses are all public. Raises NotDelivered."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NotDelivered("Le nom de cette machine ne mène nulle part.") from error
        if not addresses or not all(map(is_public, addresses)):
            raise NotDelivered("Ce nom mène à une machine qui n’est pas publique.")
        return addresses[0]

    def _status(self, connection: _Pinned, target: str, body: bytes, headers: dict[str, str]) -> int:
        try:
            with closing(connection):
                connection.connect()
                limit = Timer(WHOLE_SECONDS, _cut, [connection])
                limit.daemon = True
                limit.start()
                try:
                    connection.request("POST", target, body, headers)
                    with connection.getresponse() as response:
                        response.read(MOST_READ)
                        return int(response.status)
                finally:
                    limit.cancel()
        except (OSError, HTTPException, ValueError) as error:
            raise NotDelivered(f"Aucune réponse ({type(error).__name__}).") from error


def _cut(connection: _Pinned) -> None:
    """End a connection that takes too long: whoever answers a byte a second would keep it for ever."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
