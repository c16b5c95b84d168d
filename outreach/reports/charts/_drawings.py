"""Bars, tiles, ways and curves, as marks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outreach.core.text import french
from outreach.reports.charts import _marks as scales
from outreach.reports.charts._marks import (
    LINE,
    Anchor,
    Area,
    Box,
    Canvas,
    Drawing,
    Mark,
    Scale,
    Stroke,
    Tone,
    Words,
    cut,
    widest,
    width_of,
    wrapped,
)

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


def part_row(label: str, count: int, whole: int, words: str, tone: Tone = Tone.JOINED) -> BarRow:
    """A row of one bar, which is a part of a whole."""
    return BarRow(label, [Bar([(tone, count / whole if whole else 0.0)], words)])


def draw_bars(
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


def draw_cell(pieces: Sequence[tuple[Tone, float]]) -> Drawing:
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


def draw_tiles(placed: Sequence[Tile], canvas: Canvas, columns: int) -> Drawing:
    """The tiles of a map that has so many columns."""
    wide = (canvas.width - GAP * (columns - 1)) / columns
    high = (2 * LINE + 2) * canvas.text
    marks = [mark for tile in placed for mark in _tile(tile, wide, high, canvas.text)]
    rows = max((tile.row for tile in placed), default=0) + 1
    return Drawing(canvas.width, round(rows * (high + GAP) - GAP, 1), marks)


def shade_of(share: float) -> Tone:
    """The ground of a share (0 to 1)."""
    return next(tone for least, tone in reversed(SHADES) if 100 * share >= least)


def _tile(tile: Tile, wide: float, high: float, size: float) -> list[Mark]:
    x, y = tile.column * (wide + GAP), tile.row * (high + GAP)
    ground = shade_of(tile.share)
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


COLUMN = 0.52  # of the room of a step
PLOT = 0.2  # height of the columns by the width of the canvas


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A step: what it is called, how many reached it, the whole of which they are told to be a part, and a further
    line about them.
    """

    label: str
    count: int
    whole: int
    beside: str


def draw_steps(steps: Sequence[DrawnStep], canvas: Canvas) -> Drawing:
    """The steps from the first, with which all are drawn to scale."""
    whole = steps[0].count
    if canvas.width < LEAST_BESIDE * canvas.text:
        return draw_bars([_row(step, whole) for step in steps], canvas, has_track=True)
    return _columns(steps, max(whole, 1), canvas)


def _row(step: DrawnStep, whole: int) -> BarRow:
    return part_row(f"{step.label} : {step.beside}", step.count, whole, french.part(step.count, step.whole))


def _columns(steps: Sequence[DrawnStep], whole: int, canvas: Canvas) -> Drawing:
    size, slot = canvas.text, canvas.width / len(steps)
    big, under = 1.6 * size, 3 * LINE * size + 0.4 * size
    plot = canvas.height - under - 1.3 * big if canvas.height else PLOT * canvas.width
    ground = plot + 1.3 * big
    tops = [round(ground - max(plot * step.count / whole, 1), 1) for step in steps]
    marks: list[Mark] = []
    for place, (step, top) in enumerate(zip(steps, tops, strict=True)):
        x, wide, middle = slot * (place + (1 - COLUMN) / 2), slot * COLUMN, slot * (place + 0.5)
        if place + 1 < len(steps):
            start, end = round(x + wide, 1), round(x + slot, 1)
            marks.append(Area(f"M{start} {top}L{end} {tops[place + 1]}V{ground:.1f}H{start}Z", Tone.SILENT))
        marks.append(Box(round(x, 1), top, round(wide, 1), round(ground - top, 1), Tone.JOINED))
        marks.append(_words(middle, top - 0.35 * big, french.number(step.count), big, is_strong=True))
        under_it = _under(step, canvas, slot)
        for line, (text, tone) in enumerate(under_it if place else under_it[::2], 1):
            marks.append(_words(middle, ground + line * LINE * size + 0.1 * size, text, size, tone))
    return Drawing(canvas.width, round(ground + under, 1), marks)


def _under(step: DrawnStep, canvas: Canvas, room: float) -> list[tuple[str, Tone]]:
    """The lines under a column: a count beside the whole where there is room for it, else its share."""
    told = french.part(step.count, step.whole)
    share = told if width_of(told, canvas.text) < room else french.whole_percent(step.count, step.whole)
    return [(step.label, Tone.INK), (share, Tone.INK), (step.beside, Tone.MUTED)]


def _words(x: float, y: float, text: str, size: float, tone: Tone = Tone.INK, *, is_strong: bool = False) -> Words:
    return Words(round(x, 1), round(y, 1), text, round(size, 1), tone, Anchor.MIDDLE, is_strong)


TONES = (Tone.JOINED, Tone.PREPARING, Tone.REFUSED)
DASHES = ("", "7 4", "2 4")  # of the same lines, in sizes where type has 14 pixels
MOST_ROWS = 3  # of names above the plot
MOST_NAMED, MOST_OF_HEIGHT = 8, 0.42  # lines of the list of events under the plot, and how much of a height it may take
SHAPE, LEAST_PLOT = 0.36, 130  # height by width, and the least height in pixels of the page
TICK = 6.4  # sizes of type from one day to the next, at least
MOST_NAME = 0.3  # of the width, for what stands at the ends of lines


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, which its last value precedes, and its values by day, the oldest first."""

    name: str
    values: Sequence[tuple[date, int]]

    @property
    def words(self) -> str:
        """What stands at its end."""
        return f"{french.number(self.values[-1][1])} {self.name}"


@dataclass(frozen=True, slots=True)
class EventMark:
    """A day that is marked, and what happened then."""

    day: date
    name: str


def draw_curve(series: Sequence[Series], canvas: Canvas, events: Sequence[EventMark] = ()) -> Drawing:
    """The lines, which have one point at least, over the days that they span. Events outside these are left out."""
    first = min(one.values[0][0] for one in series)
    last = max(one.values[-1][0] for one in series)
    events = sorted((event for event in events if first <= event.day <= last), key=lambda event: event.day)
    plan = _CurvePlan.of(series, canvas, (first, last))
    named = _names(events, plan)
    listed = [] if named is not None else _listed(events, canvas)
    rows = max((row for *_, row in named), default=-1) + 1 if named is not None else 1
    plan.settle(rows, len(listed))
    marks = [*_axes(plan), *_events(events, named, plan)]
    for place, one in enumerate(series):
        dash = " ".join(f"{float(each) * canvas.text / 14:.1f}" for each in DASHES[place % 3].split())
        marks.append(Stroke(_steps(one, plan), TONES[place % 3], round(0.16 * canvas.text, 1), dash))
    marks += _ends(series, plan)
    y = plan.bottom + 3.2 * canvas.text
    for line in listed:
        marks.append(Words(0, round(y, 1), line, canvas.text))
        y += LINE * canvas.text
    return Drawing(canvas.width, round(plan.bottom + 1.8 * canvas.text + _list_height(len(listed), canvas), 1), marks)


@dataclass(slots=True)
class _CurvePlan:
    """Where the plot stands on its canvas, and the scales of its axes."""

    canvas: Canvas
    levels: Sequence[int]
    x: Scale
    y: Scale
    days: tuple[date, date]

    @classmethod
    def of(cls, series: Sequence[Series], canvas: Canvas, days: tuple[date, date]) -> "_CurvePlan":
        levels = scales.levels(max(value for one in series for _, value in one.values))
        left = widest([french.number(level) for level in levels], canvas.text) + 0.7 * canvas.text
        names = min(widest([one.words for one in series], canvas.text), MOST_NAME * canvas.width)
        right = canvas.width - names - 0.7 * canvas.text
        x = Scale(days[0].toordinal(), days[1].toordinal(), left, right)
        return cls(canvas, levels, x, Scale(0, levels[-1], 0, 0), days)

    def settle(self, rows: int, listed: int) -> None:
        """Set the height of the plot, once it is known how many rows of names stand above and below it."""
        size, canvas = self.canvas.text, self.canvas
        top = max(rows * LINE * size + 0.2 * size, 0.6 * size)
        if canvas.height:
            bottom = canvas.height - 1.8 * size - _list_height(listed, canvas)
        else:
            bottom = top + max(SHAPE * canvas.width, LEAST_PLOT)
        self.y = Scale(0, self.levels[-1], round(bottom, 1), round(top, 1))

    @property
    def bottom(self) -> float:
        return self.y.start

    def at(self, day: date) -> float:
        return self.x(day.toordinal())


def _list_height(lines: int, canvas: Canvas) -> float:
    return (lines * LINE + 0.9) * canvas.text if lines else 0.0


def _axes(plan: _CurvePlan) -> list[Mark]:
    size, marks = plan.canvas.text, list[Mark]()
    for level in plan.levels:
        y = plan.y(level)
        marks.append(Stroke(f"M{plan.x.start} {y}H{plan.x.end}", Tone.GRID, round(0.07 * size, 1)))
        where = round(plan.x.start - 0.5 * size, 1)
        marks.append(Words(where, round(y + 0.34 * size, 1), french.number(level), size, Tone.MUTED, Anchor.END))
    room = plan.x.end - plan.x.start
    ticks = scales.day_ticks(*plan.days, max(int(room / (TICK * size)), 2))
    for day, label in ticks:
        x, half = plan.at(day), width_of(label, size) / 2
        x = min(max(x, half), plan.canvas.width - half)
        marks.append(Words(round(x, 1), round(plan.bottom + 1.5 * size, 1), label, size, Tone.MUTED, Anchor.MIDDLE))
    return marks


def _steps(one: Series, plan: _CurvePlan) -> str:
    (day, value), *later = one.values
    path = [f"M{plan.at(day)} {plan.y(value)}"]
    for day, following in later:
        path.append(f"H{plan.at(day)}")
        if following != value:
            path.append(f"V{plan.y(following)}")
        value = following
    return "".join(path)


def _ends(series: Sequence[Series], plan: _CurvePlan) -> list[Mark]:
    """The name of each line at its end, clear of the others' and above the days."""
    size, x = plan.canvas.text, plan.x.end + 0.5 * plan.canvas.text
    blocks = [(plan.y(one.values[-1][1]), wrapped(one.words, plan.canvas.width - x, size)) for one in series]
    order = sorted(range(len(series)), key=lambda place: (blocks[place][0], place))
    heights, lowest = dict[int, float](), 0.0
    for place in order:
        heights[place] = max(blocks[place][0] - 0.65 * size, lowest)
        lowest = heights[place] + len(blocks[place][1]) * LINE * size
    over = max(lowest - plan.bottom - 0.7 * size, 0)
    return [
        Words(round(x, 1), round(heights[place] - over + (line + 0.75) * LINE * size, 1), text, size, is_strong=True)
        for place in order
        for line, text in enumerate(blocks[place][1])
    ]


def _names(events: Sequence[EventMark], plan: _CurvePlan) -> list[tuple[float, Anchor, int]] | None:
    """Where the name of each event begins or ends, and in which row above the plot; None where they have no room."""
    size, taken, places = plan.canvas.text, [-1e9] * MOST_ROWS, list[tuple[float, Anchor, int]]()
    for event in events:
        x, wide = plan.at(event.day), width_of(event.name, size)
        at, anchor = x + 0.35 * size, Anchor.START
        if at + wide > plan.canvas.width:
            at, anchor = x - 0.35 * size, Anchor.END
        begin = at if anchor is Anchor.START else at - wide
        row = next((row for row in range(MOST_ROWS) if taken[row] + 0.6 * size < begin), None)
        if row is None or begin < 0:
            return None
        taken[row] = begin + wide
        places.append((round(at, 1), anchor, row))
    return places


def _events(
    events: Sequence[EventMark], named: Sequence[tuple[float, Anchor, int]] | None, plan: _CurvePlan
) -> list[Mark]:
    """A dashed line for each event, with its name or its number above."""
    size, marks, last = plan.canvas.text, list[Mark](), -1e9
    dash = f"{0.2 * size:.1f} {0.28 * size:.1f}"
    for number, event in enumerate(events, 1):
        x = plan.at(event.day)
        row = named[number - 1][2] if named is not None else 0
        top = row * LINE * size + (0.1 * size if named is not None else LINE * size)
        marks.append(Stroke(f"M{x} {top:.1f}V{plan.bottom}", Tone.EVENT, round(0.08 * size, 1), dash))
        y = round(row * LINE * size + 0.95 * size, 1)
        if named is not None:
            at, anchor, _ = named[number - 1]
            marks.append(Words(at, y, event.name, size, anchor=anchor))
        elif x - last > width_of(f"{number}", size) + 0.5 * size:
            marks.append(Words(x, y, f"{number}", size, anchor=Anchor.MIDDLE))
            last = x
    return marks


def _listed(events: Sequence[EventMark], canvas: Canvas) -> list[str]:
    """The events with their numbers, a line each; the last line counts those that are left out."""
    most = MOST_NAMED
    if canvas.height:
        most = min(most, int(MOST_OF_HEIGHT * canvas.height / (LINE * canvas.text)))
    parts = [
        french.typeset(f"{number}. {french.spelt_day(event.day, french.SHORT)} : {event.name}")
        for number, event in enumerate(events[: most + 1], 1)  # measuring those of five years took a home page 0.1 s
    ]
    each = [wrapped(line, canvas.width, canvas.text, most=2) for line in parts]
    if sum(map(len, each)) <= most:
        return [line for lines in each for line in lines]
    kept = 0
    while sum(map(len, each[: kept + 1])) < most:
        kept += 1
    return [*(line for lines in each[:kept] for line in lines), f"et {french.plural(len(events) - kept, 'autre')}"]
