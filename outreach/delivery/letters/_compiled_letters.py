"""A letter: written once, compiled once into fixed pieces and slots, filled for each recipient.

In the text, each field is one character of Unicode's private use area, and each condition is a few. The layout can
therefore treat the letter as plain text, and the compiled letter is that text split at these characters. Values are
plain text and are escaped last, so that a name that looks like markup stays a name. HTML, text, preview and browser
view are made of the same pieces.

Values that repeat a pattern in rows, such as a table; only the cells are encoded per letter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from itertools import groupby
from typing import Any, AnyStr, NamedTuple, Protocol

from outreach.core.text.links import MARKS
from outreach.core.text.typed import cleaned
from outreach.delivery.letters._language import (
    ELSE,
    END,
    FIRST_ELIF,
    FIRST_IF,
    FIRST_SLOT,
    Condition,
    FieldKind,
    Marks,
    Piece,
    Run,
    Slot,
    fields_of,
    holds,
    parse,
)
from outreach.delivery.letters._markdown import render_run
from outreach.delivery.letters._mime import encode, joined

MOST_VARIANTS = 256
MARK = re.compile(f"({MARKS.pattern})")


class Filling(Protocol):
    """The value of a slot for one recipient."""

    @property
    def html(self) -> str:
        """The value as HTML."""

    @property
    def text(self) -> str:
        """The value as text."""

    def encoded(self) -> tuple[bytes, bytes]:
        """HTML and text in quoted-printable."""

    def kept(self) -> object:
        """The form in which the value is stored, fit for JSON."""


class Value(NamedTuple):
    """A value as HTML and as text."""

    html: str
    text: str

    @classmethod
    def plain(cls, text: str) -> "Value":
        """A value of plain text: escaped in HTML, without control and direction characters."""
        # Tokens and numbers have nothing to escape, and rarely repeat, so that caching them would not pay.
        return Value(text, text) if text.isalnum() else _plain(text)

    def encoded(self) -> tuple[bytes, bytes]:
        """HTML and text in quoted-printable."""
        html = encode(self.html)
        return html, html if self.html == self.text else encode(self.text)

    def kept(self) -> str | list[str]:
        """The form in which it is stored."""
        return self.text if self.html == self.text else [self.html, self.text]


@lru_cache(maxsize=4096)
def _plain(text: str) -> Value:
    kept = cleaned(text)
    return Value(escape(kept).replace("\n", "<br>\n"), kept)


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter inside its layout, with marks for its slots and conditions; a mark's number is a place in these tables.

    It is stored with a mailing, so that a letter composed a year later is identical to the byte. The preheader also
    stands in the HTML; drafts of before have none.
    """

    slots: tuple[Slot, ...]
    conditions: tuple[Condition, ...]
    subject: str
    html: str
    text: str
    preheader: str = ""

    @classmethod
    def of(cls, marks: Marks, subject: str, html: str, text: str, preheader: str = "") -> "LetterText":
        """A draft of texts whose marks come from `marks`."""
        return cls(tuple(marks.slots), tuple(marks.conditions), subject, html, text, preheader)

    @classmethod
    def of_kept(cls, kept: Mapping[str, Any]) -> "LetterText":
        """A draft from its fields as JSON keeps them, with lists for tuples."""
        slots = tuple(Slot(slot["field"], tuple(map(tuple, slot["filters"]))) for slot in kept["slots"])
        conditions = tuple(map(_condition, kept["conditions"]))
        return cls(slots, conditions, kept["subject"], kept["html"], kept["text"], kept.get("preheader", ""))


class Filled(NamedTuple):
    """A letter for one recipient: its subject, and its two bodies in quoted-printable."""

    subject: str
    text: bytes
    html: bytes


@dataclass(frozen=True, slots=True)
class LetterPlace:
    """The place of a slot's value in the text; values are given by `key`, the slot's key."""

    slot: Slot
    key: str


@dataclass(frozen=True, slots=True)
class Fork:
    """A choice between branches (condition, parts): the first one whose condition holds is used."""

    branches: tuple[tuple[Condition, tuple["Part", ...]], ...]


Part = str | LetterPlace | Fork
"""Text that is the same for all recipients, the place of a value, or a choice."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A compiled letter with its conditions decided: fixed text and places, in order."""

    subject: Sequence[str | LetterPlace]
    html: Sequence[str | LetterPlace]
    text: Sequence[str | LetterPlace]
    preheader: Sequence[str | LetterPlace]

    @property
    def places(self) -> tuple["LetterPlace", ...]:
        """The places of its values, each once."""
        parts = (*self.subject, *self.html, *self.text, *self.preheader)
        return tuple(dict.fromkeys(part for part in parts if isinstance(part, LetterPlace)))


class Template(NamedTuple):
    """Encoded texts, and where between them the values with some keys stand."""

    pieces: list[bytes]
    places: Sequence[tuple[int, str]]

    @classmethod
    def of(cls, pieces: Sequence[bytes | str]) -> "Template":
        """The template of encoded texts and keys, one after the other."""
        places = [(place, piece) for place, piece in enumerate(pieces) if isinstance(piece, str)]
        return cls([piece if isinstance(piece, bytes) else b"" for piece in pieces], places)

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        """The text with these values, which are encoded."""
        pieces = self.pieces.copy()
        for place, key in self.places:
            pieces[place] = values[key]
        return joined(pieces)


class Encoded(NamedTuple):
    """A variant in quoted-printable, its common values included; `keys` are those of the other values."""

    keys: Sequence[str]
    html: Template
    text: Template


class Letter:
    """A compiled letter. Filling it is one operation: its fixed text is encoded and its conditions are decided before.

    `common` are the keys of slots with the same value in many letters: they are encoded with the text around them.
    """

    def __init__(self, draft: LetterText, common: Iterable[str] = ()) -> None:
        self.conditional = sorted({name for condition in draft.conditions for name in fields_of(condition)})
        self.fields = {slot.field for slot in draft.slots} | set(self.conditional)
        self._common = sorted(common)
        self._wholes = [_parts(draft, text) for text in (draft.subject, draft.html, draft.text, draft.preheader)]
        self._variant = lru_cache(MOST_VARIANTS)(self._decide)
        self._places = lru_cache(MOST_VARIANTS)(lambda truth: self._variant(truth).places)
        self._encoded = lru_cache(MOST_VARIANTS)(self._encode)

    def fill(self, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> Filled:
        """The letter with these values (by `Slot.key`) and flags, the truth of the fields its conditions name.

        Raises KeyError when a value or flag is missing.
        """
        truth = self._truth(flags)
        keys, html, text = self._encoded(truth, tuple([(key, values[key]) for key in self._common if key in values]))
        as_html, as_text = {}, {}
        for key in keys:
            as_html[key], as_text[key] = values[key].encoded()
        subject = self.subject_for(values, flags)
        return Filled(subject=subject, text=text.filled(as_text), html=html.filled(as_html))

    def subject_for(self, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> str:
        """The subject as text on one line."""
        subject = self._variant(self._truth(flags)).subject
        return one_line("".join([x if isinstance(x, str) else values[x.key].text for x in subject]))

    def preheader_for(self, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> str:
        """The preheader as text on one line, or ''."""
        preheader = self._variant(self._truth(flags)).preheader
        return one_line("".join([x if isinstance(x, str) else values[x.key].text for x in preheader]))

    def html_for(self, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> str:
        """The HTML as a mail program or a browser reads it."""
        html = self._variant(self._truth(flags)).html
        return "".join([x if isinstance(x, str) else values[x.key].html for x in html])

    def text_for(self, values: Mapping[str, Filling], flags: Mapping[str, bool]) -> str:
        """The text as a mail program reads it."""
        text = self._variant(self._truth(flags)).text
        return "".join([x if isinstance(x, str) else values[x.key].text for x in text])

    def places(self, flags: Mapping[str, bool]) -> tuple[LetterPlace, ...]:
        """The places of values in this recipient's letter."""
        return self._places(self._truth(flags))

    def _truth(self, flags: Mapping[str, bool]) -> tuple[bool, ...]:
        return tuple([flags[name] for name in self.conditional])

    def _decide(self, truth: tuple[bool, ...]) -> Variant:
        flags = dict(zip(self.conditional, truth, strict=True))
        return Variant(*(_chosen(whole, flags) for whole in self._wholes))

    def _encode(self, truth: tuple[bool, ...], common: tuple[tuple[str, Filling], ...]) -> Encoded:
        variant, values = self._variant(truth), dict(common)
        html = _merged(variant.html, {key: value.html for key, value in values.items()})
        text = _merged(variant.text, {key: value.text for key, value in values.items()})
        keys = list(dict.fromkeys(piece for piece in (*html, *text) if isinstance(piece, str)))
        return Encoded(keys, Template.of(html), Template.of(text))


def letter_body(
    source: str, fields: Mapping[str, FieldKind], marks: Marks, schemes: Sequence[str] = ("https",)
) -> tuple[str, str]:
    """The HTML and the text of a letter's source, with marks. Raises InputError, with the line, on what is refused."""
    pieces = parse(source, fields, marks)
    named = {marks.slot(slot): fields[slot.field] for slot in list(marks.slots)}
    blocks = {
        mark: marks.slots[ord(mark) - FIRST_SLOT].field for mark, kind in named.items() if kind is FieldKind.BLOCK
    }
    anchors = {mark for mark, kind in named.items() if kind is FieldKind.LINK}
    html, text = [], []
    for piece in pieces:
        rendered = _rendered(piece, marks, lambda run: render_run(run, blocks, anchors, schemes))
        html.append(rendered[0])
        text.append(rendered[1])
    return "\n".join(html), "".join(text)


def one_line(text: str) -> str:
    """A text fit for a header: one line, without control or direction characters (RFC 5322 §2.2)."""
    return " ".join(cleaned(text).split())


def _rendered(piece: Piece, marks: Marks, render: Callable[[Run], tuple[str, str]]) -> tuple[str, str]:
    if isinstance(piece, Run):
        return render(piece)
    html = text = ""
    for place, (condition, inside) in enumerate(piece.branches):
        mark = marks.condition(condition, first=not place)
        rendered = [_rendered(part, marks, render) for part in inside]
        html += mark + "\n".join(as_html for as_html, _ in rendered)
        text += mark + "".join(as_text for _, as_text in rendered)
    return html + END, text + END


def _parts(draft: LetterText, text: str) -> tuple[Part, ...]:
    """The parts of a marked text, by one pass over its marks."""
    pieces = iter([piece for piece in MARK.split(text) if piece])
    parts, ended_by = _until(draft, pieces)
    if ended_by:
        raise ValueError("a condition ends without a beginning")
    return parts


def _until(draft: LetterText, pieces: Iterator[str]) -> tuple[tuple[Part, ...], str]:
    """The parts up to the end of the current branch, and the mark that ends it ('' at the end of the text)."""
    parts: list[Part] = []
    for piece in pieces:
        code = ord(piece[0])
        if not MARKS.match(piece):
            parts.append(piece)
        elif code < FIRST_IF:
            slot = draft.slots[code - FIRST_SLOT]
            parts.append(LetterPlace(slot, slot.key))
        elif code < FIRST_ELIF:
            parts.append(_fork(draft, draft.conditions[code - FIRST_IF], pieces))
        else:
            return tuple(parts), piece
    return tuple(parts), ""


def _fork(draft: LetterText, condition: Condition, pieces: Iterator[str]) -> Fork:
    branches: list[tuple[Condition, tuple[Part, ...]]] = []
    while True:
        inside, mark = _until(draft, pieces)
        branches.append((condition, inside))
        if mark in {"", END}:
            return Fork(tuple(branches))
        condition = () if mark == ELSE else draft.conditions[ord(mark) - FIRST_ELIF]


def _chosen(parts: Sequence[Part], flags: Mapping[str, bool]) -> list[str | LetterPlace]:
    chosen: list[str | LetterPlace] = []
    for part in parts:
        if isinstance(part, Fork):
            chosen += next(
                (_chosen(inside, flags) for condition, inside in part.branches if holds(condition, flags)), []
            )
        else:
            chosen.append(part)
    return chosen


def _merged(parts: Sequence[str | LetterPlace], common: Mapping[str, str]) -> list[bytes | str]:
    """The keys of the values that are not common, and the encoded text between them, which includes the common ones."""
    merged: list[bytes | str] = []
    for is_own, together in groupby(parts, lambda part: isinstance(part, LetterPlace) and part.key not in common):
        if is_own:
            merged += [part.key for part in together if isinstance(part, LetterPlace)]
        else:
            words = [part if isinstance(part, str) else common[part.key] for part in together]
            merged.append(encode("".join(words)))
    return merged


def _condition(kept: Sequence[object]) -> Condition:
    return tuple(_condition(part) if isinstance(part, list) else part for part in kept)


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
        empty, start, between, end = (encode(piece) for piece in self._around)
        around = empty, joined((start, b"")), joined((b"", between, b"")), joined((b"", end))
        row = [b"%b" if isinstance(x, int) else encode(x).replace(b"%", b"%%") for x in self._row]
        return around, joined(row), [x for x in self._row if isinstance(x, int)]


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
        return joined((html, below[0])), joined((text, below[1]))

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
