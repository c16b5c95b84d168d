"""Coordinates of charts: bars in a table's rows, ways of bars, and curves beside a sentence and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from outreach.adherence.situation import Bucket, SituationRow
from outreach.campaigns.results.course import WayStep
from outreach.campaigns.results.figures import Figure

BAR_WIDTH, GAP = 100.0, 0.8
WAY_BAR, WAY_HEIGHT, WAY_GROUND = 84, 110, 150
NAME_HEIGHT, MARK_WIDTH = 15.0, 110
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 240, 40, 100, 14, 28
# Four strong colours for the main groups (joined, preparing, refused, silent), two pale ones for those in between.
SEGMENTS = {
    "joined": (Bucket.JOINED,),
    "declared": (Bucket.DECLARED,),
    "preparing": (Bucket.IN_PREPARATION, Bucket.TENDER_LAUNCHED),
    "refused": (Bucket.DECLINED,),
    "informed": (Bucket.INFORMED,),
    "silent": (Bucket.NONE,),
}


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A piece of a bar, in hundredths of its width."""

    name: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class CurveLine:
    """A curve drawn in steps: its SVG path, its last value, and where its name stands, clear of the others'."""

    number: int
    path: str
    x: float
    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A named day on a curve. `anchor` is the end of its name that stands at the line."""

    x: float
    name: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over time, the labels of their axes: levels (y, value) and days (x, day), and the days that are marked."""

    lines: list[CurveLine]
    levels: list[tuple[float, int]]
    days: list[tuple[float, date]]
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WayBar:
    """A step of a way: its bar, the middle of its words, and the path that leads to the next step, or ''."""

    figure: Figure
    authorities: int
    schools: int
    x: float
    y: float
    height: float
    middle: float
    onward: str


def bar(row: SituationRow, strand: int) -> list[BarSegment]:
    """The bar of a row: each segment as wide as its share, followed by a small gap."""
    base = row.base(strand) or 1
    segments, x = [], 0.0
    for name, buckets in SEGMENTS.items():
        width = BAR_WIDTH * sum(row.strands[strand][bucket] for bucket in buckets) / base
        if width:
            segments.append(BarSegment(name, round(x, 2), round(max(width - GAP, 0.6), 2)))
        x += width
    return segments


def way(steps: Sequence[WayStep]) -> list[WayBar]:
    """The bars of a way, each as high as its share of the first step's authorities."""
    base, slot = max(steps[0].authorities, 1), WIDTH / len(steps)
    heights = [round(WAY_HEIGHT * step.authorities / base, 1) for step in steps]
    bars = []
    for place, (step, height) in enumerate(zip(steps, heights, strict=True)):
        middle = slot * (place + 0.5)
        x, y, onward = round(middle - WAY_BAR / 2, 1), round(WAY_GROUND - height, 1), ""
        if place + 1 < len(steps):
            end, after = round(x + WAY_BAR, 1), round(WAY_GROUND - heights[place + 1], 1)
            onward = f"M{end} {y}L{round(x + slot, 1)} {after}V{WAY_GROUND}H{end}Z"
        bars.append(
            WayBar(step.figure, step.authorities, step.schools, x, y, max(height, 1.0), round(middle, 1), onward)
        )
    return bars


def curve(points: Sequence[tuple[date, Mapping[int, int]]], marks: Sequence[tuple[date, str]] = ()) -> Curve:
    """The curve of points (day, values by line number), oldest first. At least one point is needed.

    A line begins at the first point that has a value of it; the last point has one of each. `marks` are days with their
    names.
    """
    top = _round_up(max((max(values.values()) for _, values in points), default=0))
    first, last = points[0][0], points[-1][0]
    span = max((last - first).days, 1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(value: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    lines = []
    for number in points[-1][1]:
        (begun, start), *later = [(day, values[number]) for day, values in points if number in values]
        steps = [f"M{x(begun)} {y(start)}", *(f"H{x(day)}V{y(count)}" for day, count in later)]
        value = points[-1][1][number]
        lines.append(CurveLine(number, "".join(steps), x(last), y(value), value))
    levels = [(y(top * step // 4), top * step // 4) for step in range(5)]
    months = [day for day, _ in points][:: max(len(points) // 5, 1)]
    late = WIDTH - RIGHT - MARK_WIDTH
    marked = [Mark(x(day), name, "start" if x(day) <= late else "end") for day, name in marks]
    return Curve(_clear(lines), levels, [(x(day), day) for day in months], marked)


def _clear(lines: Sequence[CurveLine]) -> list[CurveLine]:
    """The lines in their order, with names that do not cover each other."""
    heights: dict[int, float] = {}
    lowest = -NAME_HEIGHT
    for line in sorted(lines, key=lambda line: (line.y, -line.value)):
        heights[line.number] = lowest = round(max(line.y, lowest + NAME_HEIGHT), 1)
    return [replace(line, y=heights[line.number]) for line in lines]


def _round_up(value: int) -> int:
    """The next round number that divides into four whole steps: 4, 8, 20, 40, 80, 200, 400 …"""
    scale = 4
    while True:
        for candidate in (scale, scale * 2, scale * 5):
            if candidate >= value:
                return candidate
        scale *= 10
