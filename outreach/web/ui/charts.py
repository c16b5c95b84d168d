"""Coordinates of charts: bars in a table's rows, and curves beside a sentence and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from outreach.adherence.situation import Bucket, SituationRow

BAR_WIDTH, GAP = 100.0, 0.8
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
    """A curve drawn in steps: its SVG path, and the position and value of its last point."""

    number: int
    path: str
    x: float
    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over time, and the labels of their axes: levels (y, value) and days (x, day)."""

    lines: list[CurveLine]
    levels: list[tuple[float, int]]
    days: list[tuple[float, date]]


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


def curve(points: Sequence[tuple[date, Mapping[int, int]]]) -> Curve:
    """The curve of points (day, values by line number), oldest first. At least one point is needed."""
    top = _round_up(max((max(values.values()) for _, values in points), default=0))
    first, last = points[0][0], points[-1][0]
    span = max((last - first).days, 1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / span, 1)

    def y(value: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    lines = []
    for number in points[-1][1]:
        steps = [f"M{x(first)} {y(points[0][1][number])}"]
        steps += [f"H{x(day)}V{y(values[number])}" for day, values in points[1:]]
        value = points[-1][1][number]
        lines.append(CurveLine(number, "".join(steps), x(last), y(value), value))
    levels = [(y(top * step // 4), top * step // 4) for step in range(5)]
    months = [day for day, _ in points][:: max(len(points) // 5, 1)]
    return Curve(lines, levels, [(x(day), day) for day in months])


def _round_up(value: int) -> int:
    """The next round number that divides into four whole steps: 4, 8, 20, 40, 80, 200, 400 …"""
    scale = 4
    while True:
        for candidate in (scale, scale * 2, scale * 5):
            if candidate >= value:
                return candidate
        scale *= 10
