"""Bars: rows of a label, one or more bars, and the words of each; and the bar of one cell of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from outreach.charts.marks import Anchor, Box, Canvas, Drawing, Mark, Tone, Words
from outreach.charts.words import LINE, cut, widest, width_of, wrapped

LEAST_BESIDE = 32  # sizes of type: on a narrower canvas labels stand above their bars
MOST_LABEL = 0.36  # of the width
SPREAD = 1.9  # by so much bars may grow to fill a height
CELL, CELL_HEIGHT, CELL_GAP, CELL_LEAST = 100.0, 10.0, 0.8, 0.6


@dataclass(frozen=True, slots=True)
class Bar:
    """Pieces of a bar (what each stands for, its share of the whole width) from the left, and the words beside it."""

    pieces: Sequence[tuple[Tone, float]]
    words: str


@dataclass(frozen=True, slots=True)
class BarRow:
    """A label and its bars."""

    label: str
    bars: Sequence[Bar]


def part(label: str, count: int, whole: int, words: str, tone: Tone = Tone.JOINED) -> BarRow:
    """A row of one bar, which is a part of a whole."""
    return BarRow(label, [Bar([(tone, count / whole if whole else 0.0)], words)])


def bars(
    rows: Sequence[BarRow], canvas: Canvas, *, has_track: bool = False, legend: Sequence[tuple[Tone, str]] = ()
) -> Drawing:
    """The rows from above. With a track the whole width is shown: of a share, what is missing to the whole."""
    plan = _Plan.of(rows, canvas, has_track=has_track)
    marks, y = key(legend, canvas)
    natural = y + sum(plan.height(row) for row in rows)
    if canvas.height:
        plan.stretch = min(max((canvas.height - y) / max(natural - y, 1), 0.7), SPREAD)
    for row in rows:
        marks += plan.marks(row, y)
        y += plan.height(row)
    return Drawing(canvas.width, round(y - (plan.gap if rows else 0), 1), marks)


def key(legend: Sequence[tuple[Tone, str]], canvas: Canvas) -> tuple[list[Mark], float]:
    """What each tone means, in rows above a drawing, and the height that they take."""
    marks: list[Mark] = []
    size, x, y = canvas.text, 0.0, 0.0
    swatch = 0.8 * size
    for tone, whole_name in legend:
        name = cut(whole_name, canvas.width - swatch - 0.45 * size, size)
        wide = swatch + 0.45 * size + width_of(name, size)
        if x and x + wide > canvas.width:
            x, y = 0.0, y + 1.5 * size
        marks.append(Box(x, y + 0.2 * size, swatch, swatch, tone))
        marks.append(Words(x + swatch + 0.45 * size, y + 0.95 * size, name, size))
        x += wide + 1.4 * size
    return marks, y + 2.3 * size if legend else 0.0


def cell(pieces: Sequence[tuple[Tone, float]]) -> Drawing:
    """The bar of a table's cell: pieces as wide as their shares, each followed by a small gap."""
    marks, x = list[Mark](), 0.0
    for tone, share in pieces:
        width = CELL * share
        if width:
            marks.append(Box(round(x, 2), 0, round(max(width - CELL_GAP, CELL_LEAST), 2), CELL_HEIGHT, tone))
        x += width
    return Drawing(CELL, CELL_HEIGHT, marks)


@dataclass(slots=True)
class _Plan:
    """Where the columns of labels, bars and words stand, and how tall rows are."""

    canvas: Canvas
    left: float
    width: float
    has_track: bool
    stretch: float = 1.0

    @classmethod
    def of(cls, rows: Sequence[BarRow], canvas: Canvas, *, has_track: bool) -> "_Plan":
        size = canvas.text
        beside = canvas.width >= LEAST_BESIDE * size
        labels = min(widest([row.label for row in rows], size), MOST_LABEL * canvas.width) + size if beside else 0.0
        words = widest([bar.words for row in rows for bar in row.bars], size) + 0.7 * size
        return cls(canvas, labels, canvas.width - labels - words, has_track)

    @property
    def thick(self) -> float:
        return 1.3 * self.canvas.text * self.stretch

    @property
    def gap(self) -> float:
        """Between two rows."""
        return 0.75 * self.canvas.text * self.stretch

    def lines(self, row: BarRow) -> list[str]:
        room = self.left - self.canvas.text if self.left else self.canvas.width
        return wrapped(row.label, room, self.canvas.text)

    def own_height(self, row: BarRow) -> float:
        """The height of a row's bars, with small gaps between them."""
        return len(row.bars) * self.thick + (len(row.bars) - 1) * 0.2 * self.thick

    def height(self, row: BarRow) -> float:
        words = LINE * self.canvas.text * len(self.lines(row))
        own = self.own_height(row)
        return self.gap + (max(own, words) if self.left else own + words + 0.1 * self.canvas.text)

    def marks(self, row: BarRow, y: float) -> list[Mark]:
        """The marks of a row whose upper edge is at y."""
        size, lines = self.canvas.text, self.lines(row)
        own, words = self.own_height(row), LINE * size * len(lines)
        if self.left:
            whole = max(own, words)
            first, top = y + (whole - words) / 2 + size, y + (whole - own) / 2
        else:
            first, top = y + size, y + words + 0.1 * size
        marks: list[Mark] = [
            Words(0, round(first + place * LINE * size, 1), line, size) for place, line in enumerate(lines)
        ]
        for place, bar in enumerate(row.bars):
            marks += self._bar(bar, round(top + place * 1.2 * self.thick, 1))
        return marks

    def _bar(self, bar: Bar, y: float) -> list[Mark]:
        size, x, thick = self.canvas.text, self.left, round(self.thick, 1)
        marks: list[Mark] = [Box(x, y, round(self.width, 1), thick, Tone.TRACK)] if self.has_track else []
        gap = 0.12 * size if len(bar.pieces) > 1 else 0.0
        for tone, share in bar.pieces:
            wide = self.width * share
            if share:
                marks.append(Box(round(x, 1), y, round(max(wide - gap, 0.12 * size), 1), thick, tone))
            x += wide
        base = round(y + thick / 2 + 0.34 * size, 1)
        if self.has_track:
            marks.append(Words(self.canvas.width, base, bar.words, size, anchor=Anchor.END))
        else:
            marks.append(Words(round(x + 0.6 * size, 1), base, bar.words, size))
        return marks
