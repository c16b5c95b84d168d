"""Names and titles that people type: a line of words, fit for a page, a header and a database."""

import unicodedata

from outreach.errors import InputError
from outreach.mail.marks import is_forbidden

BREAKS = dict.fromkeys(map(ord, "\u0085\u2028\u2029"), " ")  # ends of lines that no keyboard types: pasted by accident
MOST_SIGNS = 4  # on one letter; no language that we know writes more


def line_of_words(text: str) -> str:
    """The words without spaces around them.

    Raises InputError, with a sentence, on ends of lines, control and direction characters, and on letters that carry
    more than four signs.
    """
    words = text.translate(BREAKS).strip()
    if any(is_forbidden(one) or one in "\r\n\t" for one in words):
        raise InputError("Le texte contient un caractère interdit.")
    if _is_overloaded(words):
        raise InputError("Une lettre du texte porte trop de signes : retapez-la.")
    return words


def _is_overloaded(words: str) -> bool:
    signs = 0
    for one in words:
        signs = signs + 1 if unicodedata.category(one) in {"Mn", "Me"} else 0
        if signs > MOST_SIGNS:
            return True
    return False
