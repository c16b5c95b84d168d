"""Passwords: the form in which they are hashed and compared."""

import unicodedata


def normal(password: str) -> str:
    """A password as it is hashed, as flask-security normalises it by default: it matters for accented ones."""
    return unicodedata.normalize("NFKD", password)
