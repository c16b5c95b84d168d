"""Cursors: where a program stands in a list, in a form that says nothing, so that nobody counts on it."""

import base64
import binascii

from outreach.errors import InputError
from outreach.text import whole_number

BEFORE_ALL = -1
LONGEST = 19  # digits of the largest key of a database


def written(number: int | None) -> str | None:
    """The cursor that stands after the row of a number; None for None."""
    return None if number is None else base64.urlsafe_b64encode(f"a{number}".encode()).decode().rstrip("=")


def read(cursor: str) -> int:
    """The number after which a list goes on; before all for ''. Raises InputError for what is no cursor."""
    if not cursor:
        return BEFORE_ALL
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        text = ""
    number = whole_number(text[1:], digits=LONGEST) if text.startswith("a") else None
    if number is None or number >= 2**63:
        raise InputError("Ce curseur n’est pas de cette liste : reprenez le « next » de la page d’avant, ou aucun.")
    return number
