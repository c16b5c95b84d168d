"""Tiles: a schematic map with one tile a place, the darker the larger its share."""

from collections.abc import Sequence
from dataclasses import dataclass

from outreach.charts.marks import Anchor, Box, Canvas, Drawing, Mark, Tone, Words
from outreach.charts.words import LINE, width_of, wrapped

GAP = 3.0
# The least percents of each shade, palest first; words on it have a contrast of 4.5 at least.
SHADES = ((0, Tone.SHADE_1), (5, Tone.SHADE_2), (10, Tone.SHADE_3), (20, Tone.SHADE_4))


@dataclass(frozen=True, slots=True)
class Tile:
    """A place: its column and its row, its name (broken at blanks), words about it, and its share (0 to 1)."""

    column: int
    row: int
    name: str
    words: str
    share: float


def tiles(placed: Sequence[Tile], canvas: Canvas, columns: int) -> Drawing:
    """The tiles of a map that has so many columns."""
    wide = (canvas.width - GAP * (columns - 1)) / columns
    high = (2 * LINE + 2) * canvas.text
    marks = [mark for tile in placed for mark in _tile(tile, wide, high, canvas.text)]
    rows = max((tile.row for tile in placed), default=0) + 1
    return Drawing(canvas.width, round(rows * (high + GAP) - GAP, 1), marks)


def shade(share: float) -> Tone:
    """The ground of a share (0 to 1)."""
    return next(tone for least, tone in reversed(SHADES) if 100 * share >= least)


def _tile(tile: Tile, wide: float, high: float, size: float) -> list[Mark]:
    x, y = tile.column * (wide + GAP), tile.row * (high + GAP)
    ground = shade(tile.share)
    ink = Tone.PAPER if ground is Tone.SHADE_4 else Tone.INK
    lines = wrapped(tile.name, wide, size, most=2)
    first = y + (1.25 if len(lines) > 1 else 1.9) * size
    middle = round(x + wide / 2, 1)
    names = [
        Words(middle, round(first + place * LINE * 0.9 * size, 1), line, size, ink, Anchor.MIDDLE)
        for place, line in enumerate(lines)
    ]
    large = min(1.15 * size, size * wide / width_of(tile.words, size))
    count = Words(middle, round(y + high - 0.7 * size, 1), tile.words, large, ink, Anchor.MIDDLE, is_strong=True)
    return [Box(round(x + 0.5, 1), round(y + 0.5, 1), round(wide - 1, 1), round(high - 1, 1), ground), *names, count]
