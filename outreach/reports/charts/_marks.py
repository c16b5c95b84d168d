"""Marks of a drawing by what each stands for, how wide words are, and scales. No colour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from outreach.core.text import french


class Tone(StrEnum):
    """What a mark stands for. The palette and the style sheet know a colour for each."""

    JOINED = "joined"
    DECLARED = "declared"
    PREPARING = "preparing"
    REFUSED = "refused"
    INFORMED = "informed"
    SILENT = "silent"
    TRACK = "track"  # the whole of which a bar is a part
    GRID = "grid"
    EVENT = "event"
    INK = "ink"
    MUTED = "muted"
    SHADE_1 = "shade-1"  # of a map's tiles, palest first
    SHADE_2 = "shade-2"
    SHADE_3 = "shade-3"
    SHADE_4 = "shade-4"
    PAPER = "paper"


class Anchor(StrEnum):
    """The part of words that stands at their place."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a drawing is made for: its width and the size of its words; `height` is the height to fill, if any."""

    width: float
    text: float
    height: float | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone


@dataclass(frozen=True, slots=True)
class Stroke:
    """A stroke along an SVG path, `dash` being the lengths of its dashes and gaps, or '' for a whole line."""

    path: str
    tone: Tone
    width: float = 1.0
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """A filled SVG path."""

    path: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Words:
    """One line of words, whose baseline is at y."""

    x: float
    y: float
    text: str
    size: float
    tone: Tone = Tone.INK
    anchor: Anchor = Anchor.START
    is_strong: bool = False


@dataclass(frozen=True, slots=True)
class Photo:
    """A PNG, in base64, in its own proportions."""

    x: float
    y: float
    width: float
    height: float
    base64: str


@dataclass(frozen=True, slots=True)
class Group:
    """Marks of a drawing that stands at x and y, in another size."""

    marks: "Sequence[Mark]"
    x: float
    y: float
    scale: float


Mark = Box | Stroke | Area | Words | Photo | Group


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a ground of a width and a height, those drawn first below the others."""

    width: float
    height: float
    marks: Sequence[Mark]


# Advances of the semibold, which is a little wider than the regular, in thousandths of the size of the type.
_ADVANCES = {
    200: " \u00a0\u202f",
    280: "',.:;IÎÏ’·ijl|îï",
    330: "!()-[]{}f/\\",
    370: "°tr",
    440: "s*?z",
    480: 'cç«»"x–',
    510: "JLY_vy0123456789#$+<=>F^e~éèêë×",
    550: "agkàâäESVXZÉÈÊËT`oôöbdhnpquùûüAÀÂ",
    600: "CPÇRBK",
    650: "DG&HNUÙÛ",
    680: "OQÔ",
    750: "Mwæ",
    800: "W—",
    850: "m%œŒ@",
    960: "…",
}
_WIDTHS = {character: advance / 1000 for advance, characters in _ADVANCES.items() for character in characters}
_OTHER = 0.7
LINE = 1.3  # heights of type from one line to the next


def width_of(text: str, size: float) -> float:
    """The width of a line of words, at most some percent too wide."""
    return size * sum(_WIDTHS.get(character, _OTHER) for character in text)


def widest(texts: Iterable[str], size: float) -> float:
    """The width of the widest of these lines, 0 for none."""
    return max((width_of(text, size) for text in texts), default=0.0)


def wrapped(text: str, width: float, size: float, most: int = 3) -> list[str]:
    """The words on lines no wider than this, broken at blanks; what is more than `most` lines ends in "…"."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and width_of(longer, size) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [cut(each, width, size) for each in lines]


def cut(text: str, width: float, size: float) -> str:
    """The words as far as they fit this width, with "…" at their end where they do not."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}…", size) > width:
        text = text[:-1].rstrip()
    return f"{text}…"


MOST_STEPS = 5
DAYS = (1, 2, 7, 14)  # from one tick to the next, while months would be too few
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from one number to another, and the pixels where it begins and ends."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value stands; the start where all values are one."""
        span = (self.high - self.low) or 1
        return round(self.start + (self.end - self.start) * (value - self.low) / span, 1)


def levels(most: int) -> list[int]:
    """Round whole numbers in equal steps, from 0 to the first that is not below `most`: 0, 20, 40, 60 for 57."""
    step, scale = 1, 1
    while True:
        for factor in (1, 2, 5):
            step = factor * scale
            if step * MOST_STEPS >= max(most, 1):
                return [step * place for place in range(-(-max(most, 1) // step) + 1)]
        scale *= 10


def day_ticks(first: date, last: date, most: int) -> Sequence[tuple[date, str]]:
    """At most so many days at equal steps from `first` to `last`, with their labels: "12 mai", or "mai 2021"."""
    span = (last - first).days
    for step in DAYS:
        if span // step < most:
            days = [first + timedelta(place) for place in range(0, span + 1, step)]
            return [(day, french.spelt_day(day, french.SHORT)) for day in days]
    beginnings = _months(first, last)
    for step in MONTHS:
        kept = [day for day in beginnings if (day.year * 12 + day.month - 1) % step == 0]
        if len(kept) <= most:
            return [(day, french.short_month(day)) for day in kept]
    return []


def _months(first: date, last: date) -> list[date]:
    """The first days of the months from one day to another."""
    numbers = range(first.year * 12 + first.month - (first.day == 1), last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]
