"""Reads the author's Markdown as blocks of a note: paragraphs, headings, lists, quotations, emphasis.

A link is written as its words and its address, as a note is read on paper too. There is neither raw HTML nor a picture.
"""

from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from outreach.french import typeset_letter
from outreach.notes.files.parts import Block, Bullets, Paragraph, Piece, Tone

_reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 40}).disable(
    ["code", "fence", "html_block", "lheading", "reference", "autolink", "backticks", "entity", "html_inline", "image"]
)


def blocks_of(source: str) -> tuple[Block, ...]:
    """The blocks of a text in Markdown. Lists in lists become one list."""
    return tuple(_blocks(_reader.parse(source)))


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    items: list[tuple[Piece, ...]] = []
    tone, depth, ordered = Tone.PLAIN, 0, False
    for token in tokens:
        if token.type == "heading_open":
            tone = Tone.HEADING
        elif token.type == "blockquote_open":
            tone = Tone.QUOTE
        elif token.type in {"heading_close", "blockquote_close"}:
            tone = Tone.PLAIN
        elif token.type.endswith("_list_open"):
            ordered = token.type == "ordered_list_open" if depth == 0 else ordered
            depth += 1
        elif token.type.endswith("_list_close"):
            depth -= 1
            if depth == 0:
                yield Bullets(tuple(items), ordered)
                items = []
        elif token.type == "inline":
            pieces = _pieces(token.children or [])
            if depth:
                items.append(pieces)
            else:
                yield Paragraph(pieces, tone)


def _pieces(tokens: Iterable[Token]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    strong = emphasis = 0
    address = ""
    for token in tokens:
        if token.type in {"strong_open", "strong_close"}:
            strong += token.nesting
        elif token.type in {"em_open", "em_close"}:
            emphasis += token.nesting
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close":
            pieces.append(Piece(f" ({address})"))
        elif token.type in {"softbreak", "hardbreak"}:
            pieces.append(Piece("\n"))
        elif token.content:
            pieces.append(Piece(typeset_letter(token.content), bool(strong), bool(emphasis)))
    return tuple(pieces)
