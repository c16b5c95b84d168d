"""Signatures of webhooks (Standard Webhooks 1.0): `v1a`, by an Ed25519 key, and `v1`, by a shared secret. Pure.

The library `standardwebhooks` makes `v1`. It has no `v1a`; and its `verify` is not used: it asks the machine's clock,
and raises whatever a malformed header or body leads to.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from standardwebhooks import Webhook

from outreach.core.text.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WITHIN = timedelta(minutes=5)
PUBLIC, SECRET = "whpk_", "whsec_"
LONGEST_SIGNATURE = 2_000
KEY_BYTES = 32
NO_KEY = "Cette clé publique n’est pas une clé Ed25519 : « whpk_ » et 32 octets en base64."
WEAK_KEY = (
    "Cette clé publique est faible : n’importe qui signerait en son nom. Générez une vraie paire de clés Ed25519, et "
    "donnez-en la clé publique."
)
NO_POINT = (
    "Cette clé publique est fausse : ces 32 octets ne désignent aucun point de la courbe d’Ed25519. Recopiez celle que "
    "donne le service qui signe, octet pour octet."
)
FIELD = 2**255 - 19  # of curve25519 (RFC 7748)
EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7  # y of a point of order 8
CURVE = -121665 * pow(121666, -1, FIELD) % FIELD  # d of −x² + y² = 1 + d·x²·y²
SMALL = frozenset({0, 1, FIELD - 1, EIGHTH, FIELD - EIGHTH})  # y of every point whose order is 1, 2, 4 or 8


def public_key(written: str) -> bytes:
    """The bytes of a public key as it is written: `whpk_` and base64. Raises InputError, also on one that is weak."""
    key = _bytes(written.strip().removeprefix(PUBLIC))
    if key is None or len(key) != KEY_BYTES:
        raise InputError(NO_KEY)
    if fault := _fault(key):
        raise InputError(fault)
    return key


def written_public(key: bytes) -> str:
    """A public key as programs write it."""
    return PUBLIC + base64.b64encode(key).decode()


def secret_of(installation: str, salt: str) -> bytes:
    """The secret that this installation shares with a sender: made anew from its own each time, and kept nowhere."""
    return hashlib.blake2b(salt.encode(), key=hashlib.sha256(installation.encode()).digest(), digest_size=32).digest()


def written_secret(secret: bytes) -> str:
    """A shared secret as programs write it."""
    return SECRET + base64.b64encode(secret).decode()


def is_in_time(timestamp: str, now: datetime) -> bool:
    """Whether a stated moment (seconds since 1970) is within five minutes of now."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= WITHIN.total_seconds()


def is_signed(header: str, identity: str, timestamp: str, body: bytes, *, key: bytes | None, secret: bytes) -> bool:
    """Whether one of the signatures in a header, between blanks, is right. The timestamp is one that `is_in_time`."""
    by_secret = _by_secret(secret, identity, timestamp, body) if "v1," in header else ""
    if key is not None and "v1a," in header and _fault(key):  # one that was kept before such keys were refused
        key = None
    for part in header[:LONGEST_SIGNATURE].split():
        version, _, text = part.partition(",")
        if version == "v1" and hmac.compare_digest(part.encode(), by_secret.encode()):
            return True
        if version == "v1a" and key is not None and _is_by(key, text, content(identity, timestamp, body)):
            return True
    return False


def content(identity: str, timestamp: str, body: bytes) -> bytes:
    """What is signed of a delivery."""
    return f"{identity}.{timestamp}.".encode() + body


def sign(key: "Ed25519PrivateKey", signed: bytes) -> str:
    """The signature of a delivery by our key, as its header holds it."""
    return "v1a," + base64.b64encode(key.sign(signed)).decode()


def _by_secret(secret: bytes, identity: str, timestamp: str, body: bytes) -> str:
    """The signature by the shared secret, as a header holds it; '' of what is no text: the library signs text alone."""
    try:
        return Webhook(secret).sign(identity, datetime.fromtimestamp(int(timestamp), UTC), body.decode())
    except UnicodeDecodeError:
        return ""


def _is_by(key: bytes, written: str, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - who sends mail loads no cryptography
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - idem

    signature = _bytes(written)
    if signature is None:
        return False
    try:  # a signature whose second half is not below the group's order is refused there (RFC 8032, §5.1.7)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _fault(key: bytes) -> str:
    """Why nothing is taken as signed by a key, in French; '' of one that is in order.

    By a point of small order, or a number too large for one, anybody signs anything; by what is no point of the curve,
    nobody. The sign of x, which is its highest bit, changes nothing of that.
    """
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y >= FIELD or y in SMALL:
        return WEAK_KEY
    # x² is (y² − 1) / (d·y² + 1), which has a root where its product with the square of the divisor has one.
    square = (y * y - 1) * (CURVE * y * y + 1) % FIELD
    return "" if pow(square, (FIELD - 1) // 2, FIELD) == 1 else NO_POINT


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
