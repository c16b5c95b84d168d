"""Delivers one batch over HTTPS: its target is resolved once, judged, and connected to by that very address."""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outreach.core.connections import cut_after
from outreach.integrations import signatures
from outreach.integrations.webhooks_out._deliveries import NotDelivered
from outreach.integrations.webhooks_out._endpoints import is_public

STEP_SECONDS, WHOLE_SECONDS = 5.0, 15.0
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
        status = self._status(host, port, address, target, body, headers)
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

    def _status(self, host: str, port: int, address: str, target: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer. The name is only what the certificate has to be of; no body is read."""
        try:
            plain = socket.create_connection((address, port), STEP_SECONDS)
            raw = self._trusted.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            with closing(raw), cut_after(WHOLE_SECONDS, raw):
                raw.do_handshake()
                connection = HTTPSConnection(host, port, context=self._trusted)
                connection.sock = raw
                connection.request("POST", target, body, headers)
                with connection.getresponse() as response:
                    return int(response.status)
        except (OSError, HTTPException, ValueError) as error:
            raise NotDelivered(f"Aucune réponse ({type(error).__name__}).") from error
