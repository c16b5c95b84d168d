"""Text as people type and send it: characters that have no place in it, lines of words, whole numbers."""

import re
import unicodedata

from outreach.errors import InputError

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of characters: no database and no page takes them."""
BREAKS = dict.fromkeys(map(ord, "\u0085\u2028\u2029"), " ")  # ends of lines that no keyboard types: pasted by accident
MOST_SIGNS = 4  # on one letter; no language that we know writes more


def is_forbidden(character: str) -> bool:
    """Whether a character has no place in a letter: controls, directions, private use, surrogates, unassigned."""
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Cn"} or character in "\u2028\u2029"


def cleaned(text: str) -> str:
    """A text without the characters that have no place in a letter."""
    # The usual case, thirty times quicker.
    if text.isprintable() or text.replace("\u00a0", "").replace("\u202f", "").isprintable():
        return text
    return "".join(character for character in text if not is_forbidden(character))


def line_of_words(text: str) -> str:
    """The words of a name or title, without spaces around them: fit for a page, a header and a database.

    Raises InputError, with a sentence, on ends of lines, control and direction characters, and on letters that carry
    more than four signs.
    """
    words = text.translate(BREAKS).strip()
    if any(is_forbidden(character) or character in "\r\n\t" for character in words):
        raise InputError("Le texte contient un caractère interdit.")
    if _is_overloaded(words):
        raise InputError("Une lettre du texte porte trop de signes : retapez-la.")
    return words


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
