"""Slides: a drawing in a frame of 16 by 9, under its title and above its source."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from outreach.charts.marks import Box, Canvas, Drawing, Group, Line, Mark, Photo, Tone, Words
from outreach.charts.words import LINE, cut, wrapped

WIDTH, HEIGHT, MARGIN = 1280, 720, 64
TITLE, ABOUT, TEXT, SOURCE = 38, 22, 22, 17
STRIPE, FOOT, HEAD = 10, 56, 24


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose slide it is: words for its foot, and a logo (PNG in base64, its width and height as shown) or ''."""

    words: str = ""
    logo: str = ""
    size: tuple[int, int] = (0, 0)


NOBODY = Sender()


def slide(
    title: str, about: Sequence[str], draw: Callable[[Canvas], Drawing], source: str, sender: Sender = NOBODY
) -> Drawing:
    """The slide: a title of two lines at most, lines on what is counted, the drawing, the source, and whose it is."""
    inner, foot = WIDTH - 2 * MARGIN, FOOT + (HEAD if sender.words else 0)
    lines = wrapped(title, inner - (sender.size[0] + 32 if sender.logo else 0), TITLE, most=2)
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
    top, room = y + 26, HEIGHT - foot - 24 - y - 26
    drawing = draw(Canvas(inner, TEXT, room))
    marks.append(Group(drawing.marks, MARGIN, round(top, 1), round(min(room / drawing.height, 1), 3)))
    marks.append(Line(f"M{MARGIN} {HEIGHT - foot}H{WIDTH - MARGIN}", Tone.GRID))
    marks.append(Words(MARGIN, HEIGHT - foot + 28, source, SOURCE, Tone.MUTED))
    marks += _signed(sender, inner)
    return Drawing(WIDTH, HEIGHT, marks)


def _signed(sender: Sender, inner: float) -> Iterator[Mark]:
    if sender.logo:
        wide, high = sender.size
        yield Photo(WIDTH - MARGIN - wide, STRIPE + 26, wide, high, sender.logo)
    if sender.words:
        yield Words(MARGIN, HEIGHT - FOOT + 28, cut(sender.words, inner, SOURCE), SOURCE, Tone.MUTED)
