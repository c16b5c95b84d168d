"""Rows: a value that repeats a pattern, such as a table. What is fixed of it is encoded once; a row costs its cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from typing import Any, AnyStr, NamedTuple

from outreach.mail import mime
from outreach.mail.letters import Value, one_line

CELL = re.compile(r"\{(\d)\}")


class Repeat:
    """One row after the other: `{0}` in `row` is its first cell; `between` parts two rows."""

    def __init__(self, head: str, row: str, between: str, foot: str) -> None:
        first, *inside = CELL.split(row)
        *within, last = inside[1::2]
        cells = list(map(int, inside[::2]))
        self._row = [cells[0], *(piece for pair in zip(within, cells[1:], strict=True) for piece in pair)]
        self._around = head + foot, head + first, last + between + first, last + foot

    def filled(self, rows: Sequence[Sequence[str]]) -> str:
        """The rows as they are read, their cells fit to stand here."""
        written = ["".join([x if isinstance(x, str) else row[x] for x in self._row]) for row in rows]
        return _put_together(self._around, written)

    def encoded(self, rows: Sequence[Sequence[bytes]]) -> bytes:
        """The same in quoted-printable, the cells encoded."""
        around, row = self._encoded
        return _put_together(around, [row.filled(cells) for cells in rows])

    @cached_property
    def _encoded(self) -> tuple[Sequence[bytes], mime.Template]:
        empty, start, between, end = (mime.encode(piece) for piece in self._around)
        around = empty, mime.joined((start, b"")), mime.joined((b"", between, b"")), mime.joined((b"", end))
        return around, mime.Template.of([x if isinstance(x, int) else mime.encode(x) for x in self._row])


@dataclass(frozen=True, slots=True)
class Pattern:
    """How rows look as markup and as text. What is kept of a letter names it: it never changes."""

    name: str
    html: Repeat
    text: Repeat


class Rows(NamedTuple):
    """A value made of rows, whose cells are plain words of one line each; `after` stands below the last one."""

    pattern: Pattern
    rows: Sequence[Sequence[str]]
    after: Value

    @property
    def html(self) -> str:
        """The rows as markup."""
        return self.pattern.html.filled([[_cell(word).html for word in row] for row in self.rows]) + self.after.html

    @property
    def text(self) -> str:
        """The rows as text."""
        return self.pattern.text.filled([[_cell(word).text for word in row] for row in self.rows]) + self.after.text

    def encoded(self) -> tuple[bytes, bytes]:
        """The two in quoted-printable."""
        cells = [list(map(_encoded, row)) for row in self.rows]
        html = self.pattern.html.encoded([[cell[0] for cell in row] for row in cells])
        text = self.pattern.text.encoded([[cell[1] for cell in row] for row in cells])
        if not self.after.text:
            return html, text
        below = self.after.encoded()
        return mime.joined((html, below[0])), mime.joined((text, below[1]))

    def kept(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"pattern": self.pattern.name, "rows": self.rows, "after": [*self.after]}


def _cell(word: str) -> Value:
    line = one_line(word)
    return Value(escape(line), line)


def _put_together(around: Sequence[AnyStr], rows: Sequence[AnyStr]) -> AnyStr:
    empty, start, between, end = around
    return start + between.join(rows) + end if rows else empty


def _encoded(word: str) -> tuple[bytes, bytes]:
    # A number, unlike words, is never the same twice.
    return Value.plain(word).encoded() if word.isalnum() else _words_encoded(word)


@lru_cache(maxsize=8192)
def _words_encoded(word: str) -> tuple[bytes, bytes]:
    return _cell(word).encoded()
