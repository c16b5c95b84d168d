"""The seal that each GET puts into the forms of a letter's pages: the page was opened, and when.

`base64url(held || HMAC-SHA256(key, letter || held)[:16])`, where `held` is `form[1] || link[1] || milliseconds[6] ||
nonce[16]`: 54 characters. It is bound to the letter, to the kind of form and to the link that led there, and to no
address, agent, cookie or device: a link that is copied to another device brings its own. The letter is signed and not
stored. RFC 2104.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from outreach.core.text.labelled import Labelled
from outreach.delivery.letters._tokens import LIVE_KEYS, Keys

NONCE_BYTES, MOMENT_BYTES, SEAL_BYTES = 16, 6, 16
SHAPE = re.compile(r"[\w-]{54}", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class FormKind(Labelled):
    """A form of a letter's pages: an answer, refusing mail, getting it again, being measured, undoing an answer,
    the mailbox itself."""

    ANSWER = "answer", "Réponse"
    UNSUBSCRIPTION = "unsubscription", "Désinscription"
    SUBSCRIPTION = "subscription", "Réinscription"
    MEASURE = "measure", "Accord pour la mesure"
    UNDOING = "undoing", "« Ce n’est pas nous »"
    ADDRESS = "address", "« C’est toujours la bonne adresse ? »"


_KINDS = tuple(FormKind)  # a kind's place is its byte in the seal


@dataclass(frozen=True, slots=True)
class Seen:
    """What a genuine seal says: the kind of form and the link that it was made for, when, and its 16 random bytes."""

    kind: FormKind
    link: int
    at: datetime
    nonce: bytes


def seal(keys: Keys, letter: bytes, seen: Seen) -> str:
    """The seal as a form holds it; `letter` is the identity that the tokens of the letter hold."""
    moment = ((seen.at - EPOCH) // MILLISECOND).to_bytes(MOMENT_BYTES, "big")
    held = bytes([_KINDS.index(seen.kind), seen.link]) + moment + seen.nonce
    return urlsafe_b64encode(held + _mac(keys.keys[0], letter, held)).decode().rstrip("=")


def new_seal(keys: Keys, letter: bytes, kind: FormKind, link: int, now: datetime) -> str:
    """The seal of a form that is shown now."""
    return seal(keys, letter, Seen(kind, link, now, secrets.token_bytes(NONCE_BYTES)))


def read_seal(keys: Keys, letter: bytes, text: str) -> Seen | None:
    """What the seal of a form says, or None when it is none of this letter's, or its key is retired."""
    if not SHAPE.fullmatch(text):
        return None
    raw = urlsafe_b64decode(f"{text}==")
    held, mac = raw[:-SEAL_BYTES], raw[-SEAL_BYTES:]
    if not any(hmac.compare_digest(mac, _mac(key, letter, held)) for key in keys.keys[:LIVE_KEYS]):
        return None
    moment = EPOCH + int.from_bytes(held[2 : 2 + MOMENT_BYTES], "big") * MILLISECOND
    return Seen(_KINDS[held[0]], held[1], moment, held[2 + MOMENT_BYTES :])


def _mac(key: bytes, letter: bytes, held: bytes) -> bytes:
    return hmac.digest(key, b"seen" + letter + held, "sha256")[:SEAL_BYTES]
