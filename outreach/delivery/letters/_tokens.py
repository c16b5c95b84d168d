"""Opaque tokens of a letter's links and return addresses, and the short codes of letters on paper.

`base32-lower(id[8] || link[1] || HMAC-SHA256(key, kind || id || link)[:16])`: 25 bytes make exactly 40 characters, with
no padding and no spare bits, so that changing any character changes the bytes. The kind is signed and not stored: a
token of one kind is invalid as another. RFC 4648 (base32), RFC 2104 (HMAC).

Crockford's base32 (no I, L, O or U): a code is read aloud, typed by hand, and misread letters are taken for what was
meant. A code is the start of an HMAC of its letter's number, so that a batch that is printed again has the same codes,
and nobody who knows one code knows another. The database keeps a keyed digest of it, and no code.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

ID_BYTES = 8
LENGTH = 40
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
DIGITS = str.maketrans(ALPHABET + ALPHABET.upper(), "0123456789abcdefghijklmnopqrstuv" * 2)  # what int() reads
LIVE_KEYS = 2
SHAPE = re.compile(r"[a-z2-7]{40}", re.IGNORECASE | re.ASCII)
# Both cases are written out: every page is searched for it, and it takes a third less time so.
IN_TEXT = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{40}(?![A-Za-z0-9])")
QUOTED = re.compile(r"(%[A-Fa-f0-9]{2})([A-Za-z2-7]{40})(?![A-Za-z0-9])")  # the same in an address within an address
# The secret of a link to choose a password (`accounts.links`), which is no token of this kind.
SECRET = re.compile(r"(account(?:/|%2F)links(?:/|%2F))[\w-]+", re.IGNORECASE | re.ASCII)
INERT = "0" * LENGTH  # stands where a token would: no token contains this digit
JUNK = re.compile(r"(?:[.>=]|%3E|&amp;)\Z", re.IGNORECASE)  # what mail clients append to an address in a text


class TokenKind(StrEnum):
    """The purpose of a token."""

    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"
    ANSWER = "answer"
    VIEW = "view"
    BOUNCE = "bounce"
    MAILTO = "mailto"
    REPLY = "reply"


_NAMES = {kind: kind.value.encode("ascii") for kind in TokenKind}
FOR_EVER = {TokenKind.UNSUBSCRIBE, TokenKind.MAILTO}


def hide_tokens(text: str) -> str:
    """A text in which `INERT` stands for all that looks like a token, or opens an account: for words from outside,
    which nobody follows.
    """
    if len(text) < LENGTH:
        return text
    return QUOTED.sub(rf"\g<1>{INERT}", IN_TEXT.sub(INERT, SECRET.sub(rf"\g<1>{INERT}", text)))


@dataclass(frozen=True, slots=True)
class Token:
    """The content of a genuine token: the 8 bytes that name a message or tracker, and the link's number (0 to 255)."""

    id: bytes
    link: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The signing keys, newest first: the first signs, the first two are live, the others are retired.

    Tokens to unsubscribe, by link or by mail, stay valid for ever under a retired key, however old the letter is.
    """

    keys: Sequence[bytes]

    def make(self, kind: TokenKind, identity: bytes, link: int = 0) -> str:
        """A token of 40 characters for an identity of 8 bytes. Raises ValueError on an identity of another size."""
        if len(identity) != ID_BYTES:
            raise ValueError("the identity in a token has exactly eight bytes")
        signed = identity + bytes([link])
        return _letters(signed + _seal(self.keys[0], kind, signed))

    def read(self, text: str, kind: TokenKind) -> Token | None:
        """The content of a token, or None when it is not a genuine token of this kind; needs no database."""
        bare = text if len(text) == LENGTH else JUNK.sub("", text[: LENGTH + 6])
        if not SHAPE.fullmatch(bare):
            return None
        raw = _bytes(bare)
        signed, seal = raw[: ID_BYTES + 1], raw[ID_BYTES + 1 :]
        trusted = self.keys if kind in FOR_EVER else self.keys[:LIVE_KEYS]
        if not any(hmac.compare_digest(seal, _seal(key, kind, signed)) for key in trusted):
            return None
        return Token(signed[:ID_BYTES], signed[ID_BYTES])

    def without(self, text: str) -> str:
        """A text in which `INERT` stands for each genuine token of any kind, so that its links lead nowhere."""
        bare = IN_TEXT.sub(lambda match: INERT if self._is_genuine(match[0]) else match[0], text)
        return QUOTED.sub(lambda match: match[1] + (INERT if self._is_genuine(match[2]) else match[2]), bare)

    def _is_genuine(self, text: str) -> bool:
        return any(self.read(text, kind) for kind in TokenKind)


def _letters(raw: bytes) -> str:
    """25 bytes in lower-case base32, two letters at a time: three times as fast as the library."""
    number = int.from_bytes(raw, "big")
    return "".join([PAIRS[number >> shift & 1023] for shift in range(190, -1, -10)])


def _bytes(letters: str) -> bytes:
    """The 25 bytes that 40 letters of base32 stand for: several times as fast as the library."""
    return int(letters.translate(DIGITS), 32).to_bytes(25, "big")


def _seal(key: bytes, kind: TokenKind, signed: bytes) -> bytes:
    return hmac.digest(key, _NAMES[kind] + signed, "sha256")[:16]


CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans("OIL", "011")
CODE_LENGTH, BITS = 8, 40
CODE_SHAPE = re.compile(rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}", re.ASCII)
APART = re.compile(r"[\s.\-‐‑–—_]+")


def code_of(key: bytes, number: int) -> str:
    """The code of the letter on paper with this number: « ABCD-EFGH »."""
    raw = int.from_bytes(hmac.digest(key, b"paper code" + number.to_bytes(8), "sha256")[:5])
    letters = "".join(CODE_ALPHABET[raw >> shift & 31] for shift in range(BITS - 5, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def read_code(typed: str) -> str | None:
    """A code as it was typed: in any case, with or without its dash, O for 0, I and L for 1; None for no code."""
    bare = APART.sub("", typed[:40]).upper().translate(MISREAD)
    return f"{bare[:4]}-{bare[4:]}" if CODE_SHAPE.fullmatch(bare) else None


def digest_of(key: bytes, code: str) -> bytes:
    """The digest under which a code is kept: without the key, nobody finds the code from it."""
    return hmac.digest(key, b"paper digest" + code.encode(), "sha256")[:16]
