"""Draws how many schools had joined, over time: a step line for each strand, named at its end."""

from datetime import date

from outreach import french
from outreach.notes.content import CurvePoint
from outreach.notes.files.parts import Picture

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 640, 160, 44, 112, 12, 26
LINES = ("#303675", "#a04d00", "#1f6f54", "#5a5d6b")
DASHES = ("", "7 4", "2 4", "10 3 2 3")  # by which they are told apart in grey
MUTED, GRID = "#5a5d6b", "#d3d6e6"
APART = 17.0  # between the names of two lines


def curve(points: tuple[CurvePoint, ...]) -> Picture | None:
    """The curve of a note; None where nothing was added on its days, as a flat line says nothing."""
    values = [count for point in points for _, count in point.joined]
    if len(points) < 2 or len(set(values)) < 2:
        return None
    days, top = [date.fromisoformat(point.day) for point in points], _round_up(max(values))
    ends = dict(points[-1].joined)
    drawn = "".join(_line(place, number, points, days, top) for place, number in enumerate(ends))
    counted = french.all_of([f"{french.number(count)} au volet {number}" for number, count in ends.items()])
    told = f"Écoles qui ont adhéré, tous réseaux, du {french.day(days[0])} au {french.day(days[-1])} : {counted}."
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}"'
        f' font-family="Source Sans 3, sans-serif" font-size="13"><rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>'
        f"{_levels(top)}{_days(days)}{drawn}{_names(ends, top)}</svg>"
    )
    return Picture(svg, french.typeset(told), french.typeset(told), width=16.5)


def _x(day: date, days: list[date]) -> float:
    return round(LEFT + (WIDE - LEFT - RIGHT) * (day - days[0]).days / max((days[-1] - days[0]).days, 1), 1)


def _y(count: float, top: int) -> float:
    return round(HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * count / top, 1)


def _line(place: int, number: int, points: tuple[CurvePoint, ...], days: list[date], top: int) -> str:
    counts = [(day, dict(point.joined).get(number)) for day, point in zip(days, points, strict=True)]
    (begun, start), *later = [(day, count) for day, count in counts if count is not None]
    steps = "".join(f"H{_x(day, days)}V{_y(count, top)}" for day, count in later)
    dash = f' stroke-dasharray="{DASHES[place % len(DASHES)]}"' if place % len(DASHES) else ""
    path = f"M{_x(begun, days)} {_y(start, top)}{steps}"
    return f'<path d="{path}" fill="none" stroke="{LINES[place % len(LINES)]}" stroke-width="2.5"{dash}/>'


def _levels(top: int) -> str:
    drawn = []
    for level in (0, top // 2, top):
        y = _y(level, top)
        drawn.append(f'<path d="M{LEFT} {y}H{WIDE - RIGHT}" stroke="{GRID}"/>')
        words = french.number(level)
        drawn.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{MUTED}">{words}</text>')
    return "".join(drawn)


def _days(days: list[date]) -> str:
    named = ((days[0], "start"), (days[len(days) // 2], "middle"), (days[-1], "end"))
    return "".join(
        f'<text x="{_x(day, days)}" y="{HIGH - 8}" text-anchor="{anchor}" fill="{MUTED}">{french.short_day(day)}</text>'
        for day, anchor in named
    )


def _names(ends: dict[int, int], top: int) -> str:
    """The name and the last value of each line, at its end, clear of the others'."""
    drawn, lowest, numbers = [], 0.0, list(ends)
    for number in sorted(numbers, key=lambda one: -ends[one]):
        lowest = max(_y(ends[number], top) + 4, lowest + APART)
        colour = LINES[numbers.index(number) % len(LINES)]
        words = french.typeset(f"Volet {number} : {french.number(ends[number])}")
        drawn.append(f'<text x="{WIDE - RIGHT + 8}" y="{lowest}" font-weight="600" fill="{colour}">{words}</text>')
    return "".join(drawn)


def _round_up(value: int) -> int:
    """The next round number: 10, 20, 50, 100, 200 …"""
    scale = 10
    while True:
        for candidate in (scale, scale * 2, scale * 5):
            if candidate >= value:
                return candidate
        scale *= 10
