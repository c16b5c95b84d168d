"""What of a composed letter spam filters count against it: capitals, words, links, its subject, its size. No I/O.

A few rules of our own, for every letter of a campaign; SpamAssassin judges the ready-made ones in a test. The author's
own words are remarked on where they are written (`mail.wording`), so only what fields add is a sign here.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from html import unescape
from urllib.parse import urlsplit

from outreach.directory.names.spellings import ACRONYMS
from outreach.mail import wording
from outreach.text import without_accents

LONGEST_SUBJECT = wording.LONGEST_SUBJECT
BIGGEST = 100_000
"""Bytes of a whole message, as it leaves: its headers, its text and its HTML."""
IN_CAPITALS = re.compile(r"[A-ZÀ-ÖØ-Þ]{6,}+")
HREF = re.compile(r'a [^>]*?href="([^"]*)"')
ADDRESS_SHOWN = re.compile(r"(?:https?://|www\.)[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\w-]+(?:\.[\w-]+)+(?:/\S*)?")


class SpamSign(StrEnum):
    """A kind of sign."""

    CAPITALS = "capitals"
    WORD = "word"
    LINK = "link"
    SUBJECT = "subject"
    SIZE = "size"


@dataclass(slots=True)
class Offenders:
    """The authorities whose letters have a sign (FASE number, name), and what was found in them, each once."""

    authorities: dict[tuple[int, str], None] = field(default_factory=dict)
    found: dict[str, None] = field(default_factory=dict)


class SpamReader:
    """Reads the letters of a campaign one by one; a piece that stands in many of them is read once.

    `own` is what the author wrote, as one text. `counted` are the addresses that lead to the service first, whose host
    is `service`, as it counts clicks. `offenders` is what was found, by kind.
    """

    def __init__(self, own: str, counted: Collection[str] = (), service: str = "") -> None:
        self._own, self._counted, self._service = own.casefold(), frozenset(counted), service
        self._innocent: set[str] = set()
        self._signs: dict[str, list[tuple[SpamSign, str]]] = {}
        self.offenders: dict[SpamSign, Offenders] = {}

    def read(self, authority: tuple[int, str], subject: str, html: str, size: int) -> None:
        """Read a letter: its subject and HTML as a mail program reads them, and the bytes of the whole message.

        The text part has the same words. A tag and the words behind it are a piece: all of it costs 0.04 ms a letter.
        """
        new = {f">{subject}", *html.split("<")} - self._innocent
        if _is_innocent("\n".join(new)):  # nearly always: a few names, all looked at together
            self._innocent |= new
        else:
            for piece in new:
                for sign, what in self._of_piece(piece):
                    self._note(sign, authority, what)
        if len(subject) > LONGEST_SUBJECT:
            self._note(SpamSign.SUBJECT, authority)
        if size > BIGGEST:
            self._note(SpamSign.SIZE, authority)

    def _of_piece(self, piece: str) -> list[tuple[SpamSign, str]]:
        if piece not in self._signs:
            found = list(self._read(piece))
            if not found:
                self._innocent.add(piece)
                return found
            self._signs[piece] = found
        return self._signs[piece]

    def _note(self, sign: SpamSign, authority: tuple[int, str], what: str = "") -> None:
        offenders = self.offenders.setdefault(sign, Offenders())
        offenders.authorities[authority] = None
        if what:
            offenders.found[what] = None

    def _read(self, piece: str) -> Iterator[tuple[SpamSign, str]]:
        tag, _, escaped = piece.partition(">")
        words = unescape(escaped)
        lowered = words.casefold()
        for match in IN_CAPITALS.finditer(words):
            if match[0].casefold() not in self._own and _is_whole(match) and not _is_acronym(match[0]):
                yield SpamSign.CAPITALS, match[0]
        if any(hint in lowered for hint in wording.SPAM_HINTS):
            found = [match[0].casefold() for match in wording.SPAM_WORDS.finditer(words)]
            yield from ((SpamSign.WORD, word) for word in found if word not in self._own)
        if (link := HREF.match(tag)) and (shown := self._other(unescape(link[1]), words)):
            yield SpamSign.LINK, shown

    def _other(self, address: str, shown: str) -> str:
        """The address that a link shows, if it is another one than it leads to."""
        match = ADDRESS_SHOWN.fullmatch(shown.strip())
        if match is None or address.startswith("tel:"):
            return ""
        leads_to = self._service if address in self._counted else _host(address)
        return "" if _host(match[0]) == leads_to else match[0]


def _is_innocent(pieces: str) -> bool:
    """Whether pieces can have no sign. Nothing that has one passes."""
    lowered = pieces.casefold()
    has_word = any(hint in lowered for hint in wording.SPAM_HINTS)
    return not (has_word or "href=" in pieces or IN_CAPITALS.search(pieces))


def _is_whole(match: re.Match[str]) -> bool:
    """Whether it is a word: no letter or digit beside it."""
    return not (match.string[: match.start()][-1:].isalnum() or match.string[match.end() :][:1].isalnum())


def _is_acronym(word: str) -> bool:
    return (
        word in wording.ACRONYMS or without_accents(word.casefold()) in ACRONYMS or bool(wording.ROMAN.fullmatch(word))
    )


def _host(address: str) -> str:
    """The host of an address with or without its scheme; of a mailbox, the whole address."""
    if "@" in address and "://" not in address:
        return address.removeprefix("mailto:").casefold()
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    return host.removeprefix("www.")
