"""What a note's document is built of: sections of paragraphs, lists, tables, terms and pictures; no file format."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """How a paragraph is set."""

    PLAIN = "plain"
    LEAD = "lead"
    QUOTE = "quote"
    HEADING = "heading"  # a heading within a section
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a paragraph in one manner."""

    text: str
    strong: bool = False
    emphasis: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    pieces: tuple[Piece, ...]
    tone: Tone = Tone.PLAIN
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of one level, numbered or not."""

    items: tuple[tuple[Piece, ...], ...]
    ordered: bool = False
    kind: str = "bullets"


@dataclass(frozen=True, slots=True)
class CellGrid:
    """A table: its caption, its headings, its rows as text. `counts` says which columns are aligned right."""

    caption: str
    headings: tuple[str, ...]
    counts: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    has_total: bool = False
    kind: str = "grid"


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms with their meanings; small ones are looked up, not read."""

    pairs: tuple[tuple[str, str], ...]
    is_small: bool = False
    kind: str = "terms"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in SVG, what it shows in words, and how wide it stands on paper, in centimetres."""

    svg: str
    alternative: str
    caption: str = ""
    width: float = 11.5
    kind: str = "picture"


Block = Paragraph | Bullets | CellGrid | Terms | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document under a heading; `key` names one that pages treat in a way of its own."""

    heading: str
    blocks: tuple[Block, ...]
    key: str = ""


def plain(text: str, tone: Tone = Tone.PLAIN) -> Paragraph:
    """A paragraph in one manner."""
    return Paragraph((Piece(text),), tone)


def bullets(items: tuple[str, ...]) -> Bullets:
    """A list of plain sentences."""
    return Bullets(tuple((Piece(item),) for item in items))
