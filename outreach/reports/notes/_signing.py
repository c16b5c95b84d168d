"""Signs notes with Ed25519 (RFC 8032), and tells which key did.

What is signed is the seal of a note: its number, the digest of its figures, and what its approval says. Each approval
keeps the public half of the key that signed it, so that a note signed by a former key can still be checked.
"""

import os
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from outreach.core.settings import Mode, Settings, kept_text
from outreach.core.text.errors import InputError, Refused
from outreach.reports.notes._content import NumberedNote

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOST_NOTHING = "La note n’est pas validée, rien n’est perdu."
OWN_KEY = "note-key.pem"  # in the data folder of a demonstration, which makes its own
PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----[^-]{1,2000}-----END PUBLIC KEY-----")
PREFIX = bytes.fromhex("302a300506032b6570032100")  # what stands before the 32 bytes of a public key (RFC 8410 §4)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature over a note's seal, and the public key it is checked with; both in base64."""

    value: str
    public_key: str

    @property
    def fingerprint(self) -> str:
        """By which people compare keys."""
        return key_fingerprint(self.public_key)


def key_fingerprint(public_key: str) -> str:
    """The first 32 digits of the SHA-256 of a public key (base64), in groups of four."""
    digits = sha256(b64decode(public_key)).hexdigest()[:32]
    return " ".join(digits[place : place + 4] for place in range(0, 32, 4))


def pem(public_key: str) -> str:
    """A public key (base64) in PEM, as other programs read it."""
    return (
        f"-----BEGIN PUBLIC KEY-----\n{b64encode(PREFIX + b64decode(public_key)).decode()}\n-----END PUBLIC KEY-----\n"
    )


def public_keys_in(written: bytes) -> frozenset[str]:
    """The public keys (base64) that a text holds in PEM: a file of keys, or the page `/n/key` as it was saved.

    Raises InputError where it holds none, or one that signs no notes.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - who sends mail loads no cryptography
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - idem
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - idem

    keys = set()
    for block in PUBLIC_KEY.findall(written):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise InputError("Une clé publique de ce fichier n’est pas une clé Ed25519 en PEM.")
        keys.add(b64encode(key.public_bytes_raw()).decode())
    if b"PRIVATE KEY" in written:
        raise InputError("Ce fichier a une clé privée : donnez la clé publique, telle que la montre /n/key.")
    if not keys:
        raise InputError("Ce fichier n’a aucune clé publique en PEM, telle que la montre /n/key.")
    return frozenset(keys)


def signing_key(settings: Settings) -> "Ed25519PrivateKey":
    """The key that signs notes. A demonstration makes one, once, in its data folder.

    Raises Refused where no key is set, or the file holds no such key: then no note can be approved.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - idem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - idem
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - idem

    path = settings.note_key_file
    if path is None and settings.mode is not Mode.DEMO:
        raise Refused(f"Aucune clé ne signe les notes : nommez-la dans OUTREACH_NOTE_KEY_FILE. {LOST_NOTHING}")
    try:
        written = path.read_bytes() if path else kept_text(settings.data / OWN_KEY, _fresh_key).encode()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "illisible"
        raise Refused(f"La clé des notes ne peut pas être lue ({_named(path)} : {why}). {LOST_NOTHING}") from None
    try:
        key = load_pem_private_key(written, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        what = "n’est pas une clé privée Ed25519 en PEM, sans mot de passe"
        raise Refused(f"OUTREACH_NOTE_KEY_FILE : {_named(path)} {what}. {LOST_NOTHING}")
    return key


def public_key_of(key: "Ed25519PrivateKey") -> str:
    """The public half of a key, in base64."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def sign_note(note: NumberedNote, key: "Ed25519PrivateKey") -> NoteSignature:
    """Sign the note's seal. The same note and key give the same signature."""
    return NoteSignature(b64encode(key.sign(note.sealed_json())).decode(), public_key_of(key))


def is_signed(sealed: bytes, signature: NoteSignature) -> bool:
    """Whether the signature is over these bytes, by the key that it names."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - idem
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - idem

    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(signature.public_key, validate=True))
        key.verify(b64decode(signature.value, validate=True), sealed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _named(path: Path | None) -> str:
    return str(path) if path else OWN_KEY


def _fresh_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - idem
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415 - idem

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
