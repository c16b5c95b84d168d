"""Checks of typed text: forbidden characters, one-line names and titles, whole numbers."""

import re
import unicodedata

from outreach.core.text.errors import InputError

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and lone surrogates, which neither a database nor a page accepts."""
BREAKS = dict.fromkeys(map(ord, "\u0085\u2028\u2029"), " ")  # line ends that only come with pasted text
LONGEST_PHONE = 40
PHONE = re.compile(r"\+?[\d\s()/.,-]{6,}((ext|poste|p)\.? ?\d+)?", re.IGNORECASE)
EXAMPLES = re.compile(r"(^|\.)(example\.(com|net|org)|example)$")
"""A domain that is reserved for examples (RFC 2606): nobody reads mail there."""
STEM = re.compile(r"[a-z0-9]+")
MOST_SIGNS = 4  # combining marks on one letter; no language that we know writes more


def is_forbidden(character: str) -> bool:
    """Whether a character is forbidden: a control, direction, private-use, surrogate or unassigned one."""
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Cn"} or character in "\u2028\u2029"


def cleaned(text: str) -> str:
    """The text without its forbidden characters."""
    # A fast path for the usual case: thirty times quicker.
    if text.isprintable() or text.replace("\u00a0", "").replace("\u202f", "").isprintable():
        return text
    return "".join(character for character in text if not is_forbidden(character))


def line_of_words(text: str) -> str:
    """A name or title on one line, without spaces around it: safe for a page, a header and a database.

    Raises InputError, with a sentence, on ends of lines, control and direction characters, and on a letter with more
    than four combining marks.
    """
    words = text.translate(BREAKS).strip()
    if any(is_forbidden(character) or character in "\r\n\t" for character in words):
        raise InputError("Le texte contient un caractère interdit.")
    if _is_overloaded(words):
        raise InputError("Une lettre du texte porte trop de signes : retapez-la.")
    return words


def phone_number(text: str) -> str:
    """A phone number as typed, on one line, without the ".0" of a workbook's number; '' stays ''.

    Raises InputError, with a sentence, on anything else.
    """
    words = line_of_words(text)
    number = words.removesuffix(".0") if words.removesuffix(".0").isdecimal() else words
    if number and (len(number) > LONGEST_PHONE or not PHONE.fullmatch(number)):
        raise InputError(f"« {number[:LONGEST_PHONE]} » n’est pas un numéro de téléphone.")
    return number


def without_accents(text: str) -> str:
    """The text with each letter bare of its accents and other signs, in compatibility form (NFKD)."""
    if text.isascii():  # most words of the register: nothing to take off
        return text
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def file_stem(words: str) -> str:
    """The words as a part of a file's name, which means nothing to a system of files or a header: « Été n° 2 » is
    `ete-n-2`."""
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return "-".join(STEM.findall(letters))[:40].strip("-")


def folded(text: str) -> str:
    """The text without accents and case, by which it is compared and sorted."""
    return without_accents(text.casefold())


def whole_number(text: str, *, digits: int = 9) -> int | None:
    """The number that a text of ASCII digits names, or None when it is something else or longer than `digits`."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def _is_overloaded(words: str) -> bool:
    signs = 0
    for character in words:
        signs = signs + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if signs > MOST_SIGNS:
            return True
    return False
