"""Ways: how many are left at each step, as columns that lead to one another, or as bars on a narrow canvas."""

from collections.abc import Sequence
from dataclasses import dataclass

from outreach import french
from outreach.charts.bars import LEAST_BESIDE, BarRow, bars, part
from outreach.charts.marks import Anchor, Area, Box, Canvas, Drawing, Mark, Tone, Words
from outreach.charts.words import LINE, width_of

COLUMN = 0.52  # of the room of a step
PLOT = 0.2  # height of the columns by the width of the canvas


@dataclass(frozen=True, slots=True)
class WayStep:
    """A step: what it is called, how many reached it, the whole of which they are told to be a part, and a further
    line about them.
    """

    label: str
    count: int
    whole: int
    beside: str


def way(steps: Sequence[WayStep], canvas: Canvas) -> Drawing:
    """The steps from the first, with which all are drawn to scale."""
    whole = steps[0].count
    if canvas.width < LEAST_BESIDE * canvas.text:
        return bars([_row(step, whole) for step in steps], canvas, has_track=True)
    return _columns(steps, max(whole, 1), canvas)


def _row(step: WayStep, whole: int) -> BarRow:
    return part(f"{step.label} : {step.beside}", step.count, whole, french.part(step.count, step.whole))


def _columns(steps: Sequence[WayStep], whole: int, canvas: Canvas) -> Drawing:
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


def _under(step: WayStep, canvas: Canvas, room: float) -> list[tuple[str, Tone]]:
    """The lines under a column: a count beside the whole where there is room for it, else its share."""
    told = french.part(step.count, step.whole)
    share = told if width_of(told, canvas.text) < room else french.whole_percent(step.count, step.whole)
    return [(step.label, Tone.INK), (share, Tone.INK), (step.beside, Tone.MUTED)]


def _words(x: float, y: float, text: str, size: float, tone: Tone = Tone.INK, *, is_strong: bool = False) -> Words:
    return Words(round(x, 1), round(y, 1), text, round(size, 1), tone, Anchor.MIDDLE, is_strong)
