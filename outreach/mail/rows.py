"""Values that repeat a pattern in rows, such as a table; only the cells are encoded per letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from typing import Any, AnyStr, NamedTuple

from outreach.mail import mime
from outreach.mail.letters.compiled_letters import Value, one_line

CELL = re.compile(r"\{(\d)\}")


class Repeat:
    """Renders rows one after the other: `{0}` in `row` is its first cell; `between` separates two rows."""

    def __init__(self, head: str, row: str, between: str, foot: str) -> None:
        first, *inside = CELL.split(row)
        *within, last = inside[1::2]
        cells = list(map(int, inside[::2]))
        self._row = [cells[0], *(piece for pair in zip(within, cells[1:], strict=True) for piece in pair)]
        self._around = head + foot, head + first, last + between + first, last + foot

    def filled(self, rows: Sequence[Sequence[str]]) -> str:
        """The rows; the cells must be escaped already where the pattern is HTML."""
        written = ["".join([x if isinstance(x, str) else row[x] for x in self._row]) for row in rows]
        return _put_together(self._around, written)

    def encoded(self, rows: Sequence[Sequence[bytes]]) -> bytes:
        """The rows in quoted-printable, from encoded cells."""
        around, row, order = self._fixed
        return _put_together(around, [row % tuple([cells[place] for place in order]) for cells in rows])

    @cached_property
    def _fixed(self) -> tuple[Sequence[bytes], bytes, Sequence[int]]:
        """The text around rows and a row itself, encoded; a row has `%b` for each cell, in this order."""
        empty, start, between, end = (mime.encode(piece) for piece in self._around)
        around = empty, mime.joined((start, b"")), mime.joined((b"", between, b"")), mime.joined((b"", end))
        row = [b"%b" if isinstance(x, int) else mime.encode(x).replace(b"%", b"%%") for x in self._row]
        return around, mime.joined(row), [x for x in self._row if isinstance(x, int)]


@dataclass(frozen=True, slots=True)
class Pattern:
    """How rows look as HTML and as text. Stored letters refer to it by its name, so it must never change."""

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
        """The rows as HTML."""
        return self.pattern.html.filled([[_cell(word).html for word in row] for row in self.rows]) + self.after.html

    @property
    def text(self) -> str:
        """The rows as text."""
        return self.pattern.text.filled([[_cell(word).text for word in row] for row in self.rows]) + self.after.text

    def encoded(self) -> tuple[bytes, bytes]:
        """HTML and text in quoted-printable."""
        cells = [list(map(_encoded, row)) for row in self.rows]
        html = self.pattern.html.encoded([[cell[0] for cell in row] for row in cells])
        text = self.pattern.text.encoded([[cell[1] for cell in row] for row in cells])
        if not self.after.text:
            return html, text
        below = self.after.encoded()
        return mime.joined((html, below[0])), mime.joined((text, below[1]))

    def kept(self) -> dict[str, Any]:
        """The form in which it is stored."""
        return {"pattern": self.pattern.name, "rows": self.rows, "after": [*self.after]}


def _cell(word: str) -> Value:
    line = one_line(word)
    return Value(escape(line), line)


def _put_together(around: Sequence[AnyStr], rows: Sequence[AnyStr]) -> AnyStr:
    empty, start, between, end = around
    return start + between.join(rows) + end if rows else empty


def _encoded(word: str) -> tuple[bytes, bytes]:
    # Numbers rarely repeat, so that caching them would not pay.
    return Value.plain(word).encoded() if word.isalnum() else _words_encoded(word)


@lru_cache(maxsize=8192)
def _words_encoded(word: str) -> tuple[bytes, bytes]:
    return _cell(word).encoded()
