"""Signs letters with DKIM (RFC 6376, RFC 8463), when the relay does not.

Headers are canonicalised as relaxed, the body as simple: it is quoted-printable, which no server on the way reflows.
The time of the signature is the letter's own date, so that a letter sent again is identical to the byte.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from outreach.core.text.errors import InputError

# The headers that a receiver relies on; List-Unsubscribe and its Post must be among them (RFC 8058 §3.1).
SIGNED = (
    "from",
    "reply-to",
    "to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "mime-version",
    "content-type",
)
SMALLEST_RSA = 2048
FOLD = re.compile(r"\r\n(?=[ \t])")
BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain with the key whose public half is published at `selector._domainkey.domain`."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def of(cls, domain: str, selector: str, pem: bytes) -> "Signer":
        """A signer with a private key in PEM: Ed25519, or RSA of at least 2048 bits. Raises InputError on any other."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InputError("Ce fichier n’est pas une clé privée en PEM, sans mot de passe.") from None
        is_strong = isinstance(key, RSAPrivateKey) and key.key_size >= SMALLEST_RSA
        if not is_strong and not isinstance(key, Ed25519PrivateKey):
            raise InputError("La clé doit être RSA, d’au moins 2048 bits, ou Ed25519.")
        return cls(domain, selector, key)  # type: ignore[arg-type]

    @property
    def published(self) -> str:
        """The TXT record by which the world checks this key's signatures (RFC 6376 §3.6.1, RFC 8463 §4)."""
        key = self.key.public_key()
        if isinstance(key, Ed25519PublicKey):
            return f"v=DKIM1; k=ed25519; p={_base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}"
        return f"v=DKIM1; k=rsa; p={_base64(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))}"

    def sign(self, message: bytes, at: datetime) -> bytes:
        """The message with its signature as the first header. `message` ends its lines with CRLF, `at` is its date."""
        head, _, body = message.partition(b"\r\n\r\n")
        headers = _relaxed(head)
        named = [name for name in SIGNED if name in headers]
        algorithm = "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"
        stated = (
            f"v=1; a={algorithm}; c=relaxed/simple; d={self.domain}; s={self.selector}; t={int(at.timestamp())};"
            f"\r\n h={':'.join(named)};\r\n bh={_base64(sha256(_body(body)).digest())};\r\n b="
        )
        unsigned = f"dkim-signature:{' '.join(stated.split())}"
        signature = self._signed("".join(f"{headers[name]}\r\n" for name in named).encode() + unsigned.encode())
        return f"DKIM-Signature: {stated}{_folded(_base64(signature))}\r\n".encode() + message

    def _signed(self, text: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(text, padding.PKCS1v15(), SHA256())
        return self.key.sign(sha256(text).digest())


def _relaxed(head: bytes) -> dict[str, str]:
    """Headers by name, each as the signature sees it (RFC 6376 §3.4.2)."""
    headers = {}
    for line in FOLD.sub("", head.decode("utf-8")).split("\r\n"):
        name, _, value = line.partition(":")
        said = BLANKS.sub(" ", value).strip()
        headers[name.strip().lower()] = f"{name.strip().lower()}:{said}"
    return headers


def _body(body: bytes) -> bytes:
    """The body with one end of line after its last line that is not empty (RFC 6376 §3.4.3)."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n"


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")


def _folded(text: str) -> str:
    return "\r\n ".join(text[place : place + 72] for place in range(0, len(text), 72))
