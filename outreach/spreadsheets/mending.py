"""Mends cells as people fill them in: FASE numbers, e-mail addresses, phone numbers. Each mend twice is the same.

A text that is right already stays as it is. What cannot be mended stays too, and is refused where it is read.
"""

import re

from outreach.errors import InputError
from outreach.text import phone_number

_AND = " et "
_NUMBER = re.compile(
    r"(?:(?:n[°º]\.?|no\b\.?|num[eé]ro|fase|po|p\.o\.|[eé]cole|[eé]tablissement|:)\s*)*(\d{1,9})(?:[.,]0+)?",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[^\s<>,;:@]+@[^\s<>,;:@]*[^\s<>,;:@.]")
_WHOLE = re.compile(r"[^@]*[^@\s<]@[^@\s>][^@]*")
_MAILTO = re.compile(r"\bmailto\s*:\s*", re.IGNORECASE)
_QUERY = re.compile(r"(@[^\s?<>;,@]+)\?[^\s<>;,]*")
# Of a text with one blank at a time: each pattern then takes time in proportion to the text.
_BETWEEN = re.compile(r" ?[;,] ?| (?:et|ou) | / ?|/ | (?=[^ <>@]+@)")
_APOSTROPHE = re.compile(r"^'(?=\+)")  # with which a CSV file of ours keeps a number from being a formula
_EDGES = " .,;:<>"


def fase(cell: str) -> str:
    """The digits of a FASE number: those of "PO 9312", "n° 9312" and "9312.0"."""
    read = _NUMBER.fullmatch(cell)
    return read[1] if read else cell


def phone(cell: str) -> str:
    """A phone number; '' for what is none, so that it costs the number and not the row."""
    try:
        return phone_number(_APOSTROPHE.sub("", cell))
    except InputError:
        return ""


def addresses(cell: str) -> str:
    """The addresses of a cell, with " et " between them, for `each_address`.

    "mailto:", angle brackets, a final dot and blanks round the @ go. A name before an address in brackets stays.
    """
    if _PLAIN.fullmatch(cell) or "@" not in cell:
        return cell
    text = _MAILTO.sub("", cell)
    if text != cell:
        text = _QUERY.sub(r"\1", text)
    text = "@".join(" ".join(part.split()) for part in text.split("@"))
    if text.count("@") == 1:
        return _one(text)
    parts = [_one(part) for part in _BETWEEN.split(text) if part.strip(_EDGES)]
    return _AND.join(dict.fromkeys(parts)) if all(map(_WHOLE.fullmatch, parts)) else cell


def each_address(mended: str) -> list[str]:
    """The addresses of a mended cell. The name before a single one may have an "et" itself."""
    return mended.split(_AND) if mended.count("@") > 1 else [mended]


def _one(text: str) -> str:
    """An address without what stands around it; one in brackets after a name stays in them."""
    name, bracket, address = text.strip().rpartition("<")
    bare = address.strip(_EDGES)
    if bracket and name.strip(_EDGES):
        return f"{name.strip()} <{bare}>" if bare else text
    return bare
