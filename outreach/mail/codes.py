"""Short codes that a letter on paper bears in the place of links: eight characters, 40 bits, nothing personal in them.

Crockford's base32 (no I, L, O or U): a code is read aloud, typed by hand, and misread letters are taken for what was
meant. A code is the start of an HMAC of its letter's number, so that a batch that is printed again has the same codes,
and nobody who knows one code knows another. The database keeps a keyed digest of it, and no code.
"""

import hmac
import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = str.maketrans("OIL", "011")
LENGTH, BITS = 8, 40
SHAPE = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}", re.ASCII)
APART = re.compile(r"[\s.\-‐‑–—_]+")


def code_of(key: bytes, number: int) -> str:
    """The code of the letter on paper with this number: « ABCD-EFGH »."""
    raw = int.from_bytes(hmac.digest(key, b"paper code" + number.to_bytes(8), "sha256")[:5])
    letters = "".join(ALPHABET[raw >> shift & 31] for shift in range(BITS - 5, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def read_code(typed: str) -> str | None:
    """A code as it was typed: in any case, with or without its dash, O for 0, I and L for 1; None for no code."""
    bare = APART.sub("", typed[:40]).upper().translate(MISREAD)
    return f"{bare[:4]}-{bare[4:]}" if SHAPE.fullmatch(bare) else None


def digest_of(key: bytes, code: str) -> bytes:
    """The digest under which a code is kept: without the key, nobody finds the code from it."""
    return hmac.digest(key, b"paper digest" + code.encode(), "sha256")[:16]
