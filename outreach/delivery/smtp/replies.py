"""Parses the replies of a relay (RFC 5321 §4.2), and says what they mean for a letter. No I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from outreach.mail.tokens import hidden

LONGEST_LINE = 4096
MOST_LINES = 100
MOST_BYTES = 16 * 1024
LONGEST_KEPT = 1000
LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class Verdict(StrEnum):
    """The result of one attempt.

    UNREACHED: no clear answer, before the dot, so nothing can have been accepted. UNKNOWN: no clear answer after the
    dot. UNTRIED: the letter came after another on its connection, and no answer was about it. STOPPED: our own guard
    stopped it.
    """

    ACCEPTED = "accepted"
    LATER = "later"
    NEVER = "never"
    UNREACHED = "unreached"
    UNKNOWN = "unknown"
    UNTRIED = "untried"
    STOPPED = "stopped"


BEFORE_DOT = {4: Verdict.LATER, 5: Verdict.NEVER}
AFTER_DOT = {2: Verdict.ACCEPTED, **BEFORE_DOT}


@dataclass(slots=True)
class Reply:
    """One reply: its code, and the text of its lines. Not frozen: freezing costs time, and a letter has four."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines joined, without the tokens that a relay quotes, cut to the length that our table keeps."""
        return hidden(" ".join(self.lines))[:LONGEST_KEPT]

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463), such as 5.1.1, or ''."""
        match = ENHANCED.match(self.text)
        return match[0] if match else ""


class AttemptResult(NamedTuple):
    """The result of one attempt: the verdict, and the relay's code, status and text, or our own reason as text."""

    verdict: Verdict
    code: int | None = None
    status: str = ""
    text: str = ""


class Garbage(Exception):
    """The bytes are not a reply: the connection cannot be trusted any more."""


class Reader:
    """Splits incoming bytes into replies. Raises Garbage on bytes that are not a reply, or too long for one."""

    def __init__(self) -> None:
        self._held = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that these bytes complete."""
        self._held += data
        while b"\n" in self._held:
            line, _, self._held = self._held.partition(b"\n")
            reply = self._take(line.removesuffix(b"\r"))
            if reply:
                yield reply
        if len(self._held) > LONGEST_LINE:
            raise Garbage("an endless line")

    def forget(self) -> None:
        """Discard the buffer: what came in clear text before TLS proves nothing (RFC 3207 §4.2)."""
        self._held, self._lines = b"", []

    def _take(self, line: bytes) -> Reply | None:
        said, is_last = _read(line)
        if self._lines and self._lines[0][:3] != line[:3]:
            raise Garbage("not a reply")
        if is_last and not self._lines:
            return said
        self._lines.append(line)
        if len(self._lines) > MOST_LINES or sum(map(len, self._lines)) > MOST_BYTES:
            raise Garbage("an endless reply")
        if not is_last:
            return None
        lines, self._lines = tuple(part[4:].decode("latin-1") for part in self._lines), []
        return Reply(said.code, lines)


@lru_cache(maxsize=256)
def _read(line: bytes) -> tuple[Reply, bool]:
    """The reply in a line, and whether the line is its last. Cached: most lines are the same for every letter."""
    match = LINE.fullmatch(line)
    if match is None or len(line) > LONGEST_LINE:
        raise Garbage("not a reply")
    return Reply(int(match[1]), (line[4:].decode("latin-1"),)), match[2] != b"-"


def result_of(reply: Reply, *, after_dot: bool) -> AttemptResult:
    """The result of a letter after a reply to MAIL, RCPT, DATA or the dot."""
    unclear = Verdict.UNKNOWN if after_dot else Verdict.UNREACHED
    verdict = (AFTER_DOT if after_dot else BEFORE_DOT).get(reply.code // 100, unclear)
    return AttemptResult(verdict, reply.code, reply.status, reply.text)
