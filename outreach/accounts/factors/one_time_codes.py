"""One-time codes (TOTP, RFC 6238): their secrets, which are kept encrypted, and recovery codes, kept as digests.

pyotp makes the codes. A secret is encrypted for one account: copied to another's row, it opens nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pyotp import TOTP
from pyotp.utils import strings_equal

SECRET_BYTES = 20  # as authenticator applications expect (RFC 4226 §4)
PERIOD = 30  # seconds
DRIFT = 1  # periods that a telephone's clock may be wrong, either way
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is taken for another
GROUPS, GROUP = 4, 4  # 79 bits: nobody finds a code from its digest by trying
ONE_TIME = re.compile(r"\d{6}", re.ASCII)
BETWEEN = re.compile(r"[\s\-\u2010-\u2015]+")


class CodeUsed(Exception):
    """The code is right, and was taken before."""


def wallet(keys: Sequence[str]) -> MultiFernet:
    """What encrypts with the first of these keys and reads what any of them encrypted."""
    digests = (hmac.digest(key.encode(), b"second factors", hashlib.sha256) for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def new_secret(keys: MultiFernet, user_id: int) -> str:
    """A new secret for this account, encrypted."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return keys.encrypt(f"{user_id}:{secret}".encode()).decode()


def opened(keys: MultiFernet, user_id: int, sealed: str) -> str | None:
    """The secret in base 32, or None: it is another account's, or was encrypted with a key that is gone."""
    try:
        owner, _, secret = keys.decrypt(sealed).decode().partition(":")
    except InvalidToken:
        return None
    return secret if owner == str(user_id) else None


def provisioning(secret: str, email: str, host: str) -> str:
    """The address that an authenticator application reads from the picture; it shows the host and the account."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=f"Sensibilisation ({host.replace(':', '.')})")


def grouped(text: str) -> str:
    """A key in groups of four, as one reads it aloud."""
    return " ".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def without_gaps(typed: str) -> str:
    """A code as typed, without the spaces and dashes that people put between its groups."""
    return BETWEEN.sub("", typed).lower()


def matching(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """The number of the half-minute that a code is of, or None when it is wrong or too old.

    `after` is that of the last code that was taken, or -1. Raises CodeUsed for that one. `now` is the true time: a
    telephone knows no other.
    """
    codes, current = TOTP(secret, interval=PERIOD), int(now.timestamp()) // PERIOD
    for counter in range(max(after, current - DRIFT), current + DRIFT + 1):
        if strings_equal(codes.generate_otp(counter), code):
            if counter == after:
                raise CodeUsed
            return counter
    return None


def recovery_codes() -> list[str]:
    """New recovery codes, in groups."""
    return [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
        for _ in range(RECOVERY_CODES)
    ]


def digest_of(user_id: int, code: str) -> bytes:
    """What is kept of a recovery code; `code` as typed."""
    return hashlib.sha256(f"{user_id}:{without_gaps(code)}".encode("utf-8", "surrogatepass")).digest()
