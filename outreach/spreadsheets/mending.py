"""Mends cells as people fill them in: FASE numbers, e-mail addresses, phone numbers. Each mend twice is the same.

A text that is right already stays as it is. What cannot be mended stays too, and is refused where it is read.
"""

import re
from collections.abc import Container

from outreach.errors import InputError
from outreach.text import phone_number

_AND = " et "
_NUMBER = re.compile(
    r"(?:(?:n[°º]\.?|no\b\.?|num[eé]ro|fase|po|p\.o\.|[eé]cole|[eé]tablissement|:)\s*)*(\d{1,9})(?:[.,]0+)?",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[ .’']\d{3})+|\d{1,9}(?:[.,]0+)?)(?![\w]|[.,]\d)")
_NO_FRACTION, _NO_DIGIT = re.compile(r"[.,]0+$"), re.compile(r"\D")
_LABEL = re.compile(r"\b(?:n[°º]|no\b|num[eé]ro|fase|po\b|p\.o\.)|[()[\]:/–—]|(?<!\w)-|-(?!\w)", re.IGNORECASE)
# A number that stands apart from the words of its cell: one in a street does not.
_APART = re.compile(r"(?:^|[(\[:/–—-]|\bn[°º]|\bfase\b|\bpo\b)\W{0,3}\d", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{1,2}(?:er)? [a-zûé]{3,} \d{4}\b", re.IGNORECASE)
_PLAIN = re.compile(r"[^\s<>,;:@\"«»]+@[^\s<>,;:@?]*[^\s<>,;:@.?]")
_WHOLE = re.compile(r"[^@]*[^@\s<]@[^@\s>][^@]*")
_MAILTO = re.compile(r"\bmailto\s*:\s*", re.IGNORECASE)
_QUERY = re.compile(r"(@[^\s?<>;,@]+)\?[^\s<>;,]*")
# Of a text with one blank at a time: each pattern then takes time in proportion to the text.
_BETWEEN = re.compile(r" ?[;,] ?| (?:et|ou|et/ou|[|&+–—-]) | / ?|/ | (?=[^ <>@]+@)")
# What people write beside an address: « a@ecole.be (direction) », « secrétariat : b@ecole.be »; what forbids it.
_ASIDE = re.compile(r"(@[^\s<>,;:()]+)((?: ?\([^()@]{0,60}\))+)")
_CALLED = re.compile(r"(?:^|(?<=[ ;,/]))((?:[^\W\d_][^@<>;,/:]{0,30}: ?)+)(?=[^\s<>,;:@]+@)")
# A name before or after the only address of a cell, and a phone number: « Anne Petit - a@ecole.be, tél. 02 555 12 34 ».
_BESIDE = re.compile(
    r"(?:([^\W\d_][^\d@<>;:,/()]{1,60})(?:,| [–—-]) )?([^\s<>,;:()@]+@[^\s<>,;:()@.]+(?:\.[^\s<>,;:()@.]+)+)"
    r"(?:(?:,| [–—-]) ([^\W\d_][^\d@<>;:,/()]{1,60}))?"
)
_PHONE = re.compile(
    r"(?:^|(?<= ))(?:(?:t[ée]l(?:[ée]phone)?|gsm|fax)\.?(?: ?:)? ?)?\+?\d[\d /.()-]{7,20}\d(?=[ ;,]|$)", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:anci|plus\b|pas\b|ex\b|inacti|supprim|erron|faux|fausse|obsol|hors\b)", re.IGNORECASE)
_APOSTROPHE = re.compile(r"^'(?=\+)")  # with which a CSV file of ours keeps a number from being a formula
_EDGES = ' .,;:<>"«»“”'


def fase(cell: str) -> str:
    """The digits of a FASE number: those of "PO 9312", "n° 9312" and "9312.0"."""
    read = _NUMBER.fullmatch(cell)
    return read[1] if read else cell


def known_fases(cell: str, known: Container[int]) -> list[int]:
    """The FASE numbers among those `known` that a cell holds, each once, whatever else it says: « 9101 – Bertrix ».

    "9 101" is one number, and never 101.
    """
    if "@" in cell:
        return []
    texts = (_NO_DIGIT.sub("", _NO_FRACTION.sub("", found[0])) for found in _DIGITS.finditer(cell))
    return [*dict.fromkeys(number for text in texts if (number := int(text)) in known)]


def known_fase(cell: str, known: Container[int]) -> str:
    """The digits of a FASE number, or of the only one among those `known` that a cell holds."""
    plain = fase(cell)
    numbers = [] if plain.isdecimal() else known_fases(cell, known)
    return str(numbers[0]) if len(numbers) == 1 else plain


def is_apart(cell: str) -> bool:
    """Whether a number stands apart from the words of a cell, as it does in « Bertrix (9101) » and in no date."""
    return bool(_APART.search(cell)) and not _DATE.match(cell)


def words_beside(cell: str) -> str:
    """What a cell says beside a FASE number: the name of its organisation, '' for none."""
    return "" if fase(cell).isdecimal() else " ".join(_LABEL.sub(" ", _DIGITS.sub(" ", cell)).split())


def phone(cell: str) -> str:
    """A phone number; '' for what is none, so that it costs the number and not the row."""
    try:
        return phone_number(_APOSTROPHE.sub("", cell))
    except InputError:
        return ""


def addresses(cell: str) -> str:
    """The addresses of a cell, with " et " between them, for `each_address`.

    "mailto:", angle brackets, a final dot and blanks round the @ go, and so does what an address is called. A name
    before an address in brackets stays.
    """
    if _PLAIN.fullmatch(cell) or "@" not in cell:
        return cell
    text = _QUERY.sub(r"\1", _MAILTO.sub("", cell))
    text = "@".join(" ".join(part.split()) for part in text.strip(" .,;:").split("@"))
    if _NOT.search(" ".join([aside[1] for aside in _ASIDE.findall(text)] + _CALLED.findall(text))):
        return cell
    text = _CALLED.sub("", _ASIDE.sub(r"\1", text))
    if _PHONE.search(text):
        text = " ".join(_PHONE.sub("", text).split()).strip(" -–—|/,;")
    if text.count("@") == 1:
        return _one(_named(text))
    parts = [_one(part) for part in _BETWEEN.split(text) if part.strip(_EDGES)]
    return _AND.join(dict.fromkeys(parts)) if all(map(_WHOLE.fullmatch, parts)) else cell


def each_address(mended: str) -> list[str]:
    """The addresses of a mended cell. The name before a single one may have an "et" itself."""
    return mended.split(_AND) if mended.count("@") > 1 else [mended]


def _named(text: str) -> str:
    """An address with the name beside it in front, as in a letter's heading; the text itself where there is none."""
    read = _BESIDE.fullmatch(text)
    names = [name for name in (read[1], read[3]) if name] if read else []
    return f"{names[0].strip()} <{read[2]}>" if read and len(names) == 1 and not _NOT.search(names[0]) else text


def _one(text: str) -> str:
    """An address without what stands around it; one in brackets after a name stays in them."""
    name, bracket, address = text.strip().rpartition("<")
    bare = address.strip(_EDGES)
    if bracket and name.strip(_EDGES):
        return f"{name.strip()} <{bare}>" if bare else text
    return bare
