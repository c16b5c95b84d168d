"""Marks of a drawing: boxes, lines, areas and words, by what each stands for; no colour and no file format."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


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
class Line:
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


Mark = Box | Line | Area | Words | Photo | Group


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a ground of a width and a height, those drawn first below the others."""

    width: float
    height: float
    marks: Sequence[Mark]
