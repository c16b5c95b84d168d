"""Slides: a drawing in a frame of 16 by 9, under its title and above its source."""

from collections.abc import Callable, Sequence

from outreach.charts.marks import Box, Canvas, Drawing, Group, Line, Mark, Tone, Words
from outreach.charts.words import LINE, cut, wrapped

WIDTH, HEIGHT, MARGIN = 1280, 720, 64
TITLE, ABOUT, TEXT, SOURCE = 38, 22, 22, 17
STRIPE, FOOT = 10, 56


def slide(title: str, about: Sequence[str], draw: Callable[[Canvas], Drawing], source: str) -> Drawing:
    """The slide: a title of two lines at most, lines on what is counted, the drawing, and the source."""
    inner = WIDTH - 2 * MARGIN
    lines = wrapped(title, inner, TITLE, most=2)
    y = float(STRIPE + 40 + TITLE)
    marks: list[Mark] = [
        Box(0, 0, WIDTH, STRIPE, Tone.JOINED),
        *(
            Words(MARGIN, y + place * LINE * TITLE, line, TITLE, Tone.JOINED, is_strong=True)
            for place, line in enumerate(lines)
        ),
    ]
    y += (len(lines) - 1) * LINE * TITLE + 0.7 * TITLE
    for line in (cut(each, inner, ABOUT) for each in about):
        y += 0.35 * ABOUT
        marks.append(Words(MARGIN, round(y + 0.4 * ABOUT, 1), line, ABOUT, Tone.MUTED))
        y += 0.95 * ABOUT
    top, room = y + 26, HEIGHT - FOOT - 24 - y - 26
    drawing = draw(Canvas(inner, TEXT, room))
    marks.append(Group(drawing.marks, MARGIN, round(top, 1), round(min(room / drawing.height, 1), 3)))
    marks.append(Line(f"M{MARGIN} {HEIGHT - FOOT}H{WIDTH - MARGIN}", Tone.GRID))
    marks.append(Words(MARGIN, HEIGHT - FOOT + 28, source, SOURCE, Tone.MUTED))
    return Drawing(WIDTH, HEIGHT, marks)
