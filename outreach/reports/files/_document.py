"""What a note's document is built of: its parts, the author's Markdown as blocks, its curve and pictures.

A link is written as its words and its address, as a note is read on paper too. There is neither raw HTML nor a picture.

The map has a tile for each zone, where the zone lies among the others. The register has no borders of zones, so the map
shows neither their size nor their outline, and says so.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import segno
from markdown_it import MarkdownIt
from markdown_it.token import Token

from outreach.core.text import french
from outreach.core.text.french import typeset_letter
from outreach.core.text.typed import without_accents
from outreach.reports import charts
from outreach.reports.charts import Canvas, Series, Tile, draw_tiles, shade_of
from outreach.reports.notes import CurvePoint, NoteTable, TableKind


class TextTone(StrEnum):
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
    tone: TextTone = TextTone.PLAIN
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


def plain(text: str, tone: TextTone = TextTone.PLAIN) -> Paragraph:
    """A paragraph in one manner."""
    return Paragraph((Piece(text),), tone)


def bullets(items: tuple[str, ...]) -> Bullets:
    """A list of plain sentences."""
    return Bullets(tuple((Piece(item),) for item in items))


_reader = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 40}).disable(
    ["code", "fence", "html_block", "lheading", "reference", "autolink", "backticks", "entity", "html_inline", "image"]
)


def blocks_of(source: str) -> tuple[Block, ...]:
    """The blocks of a text in Markdown. Lists in lists become one list."""
    return tuple(_blocks(_reader.parse(source)))


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    items: list[tuple[Piece, ...]] = []
    tone, depth, ordered = TextTone.PLAIN, 0, False
    for token in tokens:
        if token.type == "heading_open":
            tone = TextTone.HEADING
        elif token.type == "blockquote_open":
            tone = TextTone.QUOTE
        elif token.type in {"heading_close", "blockquote_close"}:
            tone = TextTone.PLAIN
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


CURVE_CANVAS = Canvas(640, 14, 180)


def curve(points: tuple[CurvePoint, ...]) -> Picture | None:
    """The curve of a note; None where nothing was added on its days, as a flat line says nothing."""
    values = [count for point in points for _, count in point.joined]
    if len(points) < 2 or len(set(values)) < 2:
        return None
    days = [date.fromisoformat(point.day) for point in points]
    ends = dict(points[-1].joined)
    counted = french.all_of([f"{french.number(count)} au volet {number}" for number, count in ends.items()])
    sentence = french.typeset(
        f"Écoles qui ont adhéré, tous réseaux, du {french.day(days[0])} au {french.day(days[-1])} : {counted}."
    )
    known = [(day, dict(point.joined)) for day, point in zip(days, points, strict=True)]
    series = [
        Series(f"au volet {number}", [(day, counts[number]) for day, counts in known if number in counts])
        for number in ends
    ]
    return Picture(
        charts.chart_file(charts.draw_curve(series, CURVE_CANVAS), sentence, sentence), sentence, sentence, width=16.5
    )


# Column and row of each tile; as the register names the zones, without accents and capitals.
PLACES = {
    "bruxelles": (2, 0),
    "brabant wallon": (2, 1),
    "huy-waremme": (3, 1),
    "liege": (4, 1),
    "verviers": (5, 1),
    "wallonie picarde": (0, 2),
    "hainaut centre": (1, 2),
    "hainaut sud": (2, 2),
    "namur": (3, 2),
    "luxembourg": (4, 2),
}
CAPTION = (
    "Carte schématique des zones : leur place, sans leur étendue ni leurs limites. "
    "Plus la case est foncée, plus la part des écoles qui ont adhéré est grande."
)
COLUMNS, CANVAS = 6, Canvas(340, 12)
BREAKS = {"-": "- ", "embourg": "em- bourg"}  # where names break that are wider than a tile


def zone_map(table: NoteTable) -> Picture | None:
    """The map of a table by zone; None for another table, where no row is a zone of the map, or all have one shade.

    Each tile has the zone's name, how many schools joined and of how many.
    """
    names = [column.name for column in table.columns]
    if table.kind is not TableKind.ZONE or "joined" not in names:
        return None
    joined, base = names.index("joined"), _base(names)
    if base is None:
        return None
    rows = [row for row in table.rows if _key(row[0]) in PLACES]
    if len({shade_of(_share(int(row[joined]), int(row[base]))) for row in rows}) < 2:
        return None
    words = ", ".join(f"{row[0]} {row[joined]} sur {row[base]}" for row in rows)
    alternative = french.typeset(f"Écoles qui ont adhéré, par zone, sur celles que le volet concerne : {words}.")
    drawing = draw_tiles([_tile(str(row[0]), int(row[joined]), int(row[base])) for row in rows], CANVAS, COLUMNS)
    return Picture(
        charts.chart_file(drawing, table.title, alternative), alternative, french.typeset(f"{table.title}. {CAPTION}")
    )


def _base(names: list[str]) -> int | None:
    return next((names.index(name) for name in ("concerned", "base", "schools") if name in names), None)


def _key(zone: object) -> str:
    return " ".join(without_accents(str(zone).casefold()).split())


def _tile(zone: str, joined: int, base: int) -> Tile:
    column, row = PLACES[_key(zone)]
    for whole, broken in BREAKS.items():
        zone = zone.replace(whole, broken)
    return Tile(column, row, zone, f"{joined} / {base}", _share(joined, base))


def _share(joined: int, base: int) -> float:
    return joined / base if base else 0.0


def qr_svg(address: str) -> str:
    """The code as SVG, with the quiet zone that readers need (ISO/IEC 18004 §6.3.8)."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", border=4, scale=4, xmldecl=False)
    return drawn.getvalue().decode()


def qr_png(address: str) -> bytes:
    """The code as PNG."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="png", border=4, scale=8)
    return drawn.getvalue()
