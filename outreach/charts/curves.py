"""Curves: counts that rise in steps over days, each named at its end, and the days on which something happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from outreach import french
from outreach.charts import scales
from outreach.charts.marks import Anchor, Canvas, Drawing, Line, Mark, Tone, Words
from outreach.charts.scales import Scale
from outreach.charts.words import LINE, widest, width_of, wrapped

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
class Event:
    """A day that is marked, and what happened then."""

    day: date
    name: str


def curve(series: Sequence[Series], canvas: Canvas, events: Sequence[Event] = ()) -> Drawing:
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
        marks.append(Line(_steps(one, plan), TONES[place % 3], round(0.16 * canvas.text, 1), dash))
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
        marks.append(Line(f"M{plan.x.start} {y}H{plan.x.end}", Tone.GRID, round(0.07 * size, 1)))
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


def _names(events: Sequence[Event], plan: _CurvePlan) -> list[tuple[float, Anchor, int]] | None:
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


def _events(events: Sequence[Event], named: Sequence[tuple[float, Anchor, int]] | None, plan: _CurvePlan) -> list[Mark]:
    """A dashed line for each event, with its name or its number above."""
    size, marks, last = plan.canvas.text, list[Mark](), -1e9
    dash = f"{0.2 * size:.1f} {0.28 * size:.1f}"
    for number, event in enumerate(events, 1):
        x = plan.at(event.day)
        row = named[number - 1][2] if named is not None else 0
        top = row * LINE * size + (0.1 * size if named is not None else LINE * size)
        marks.append(Line(f"M{x} {top:.1f}V{plan.bottom}", Tone.EVENT, round(0.08 * size, 1), dash))
        y = round(row * LINE * size + 0.95 * size, 1)
        if named is not None:
            at, anchor, _ = named[number - 1]
            marks.append(Words(at, y, event.name, size, anchor=anchor))
        elif x - last > width_of(f"{number}", size) + 0.5 * size:
            marks.append(Words(x, y, f"{number}", size, anchor=Anchor.MIDDLE))
            last = x
    return marks


def _listed(events: Sequence[Event], canvas: Canvas) -> list[str]:
    """The events with their numbers, a line each; the last line counts those that are left out."""
    most = MOST_NAMED
    if canvas.height:
        most = min(most, int(MOST_OF_HEIGHT * canvas.height / (LINE * canvas.text)))
    told = [
        french.typeset(f"{number}. {french.spelt_day(event.day, french.SHORT)} : {event.name}")
        for number, event in enumerate(events[: most + 1], 1)  # measuring those of five years took a home page 0.1 s
    ]
    each = [wrapped(line, canvas.width, canvas.text, most=2) for line in told]
    if sum(map(len, each)) <= most:
        return [line for lines in each for line in lines]
    kept = 0
    while sum(map(len, each[: kept + 1])) < most:
        kept += 1
    return [*(line for lines in each[:kept] for line in lines), f"et {french.plural(len(events) - kept, 'autre')}"]
