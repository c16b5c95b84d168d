"""A chart: its title, what it shows in words, its drawing as SVG, and as a slide."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from outreach.reports.charts._marks import (
    LINE,
    Anchor,
    Area,
    Box,
    Canvas,
    Drawing,
    Group,
    Mark,
    Photo,
    Stroke,
    Tone,
    Words,
    cut,
    wrapped,
)

WIDTH, HEIGHT, MARGIN = 1280, 720, 64
TITLE, ABOUT, TEXT, SOURCE = 38, 22, 22, 17
STRIPE, FOOT, HEAD = 10, 56, 24


@dataclass(frozen=True, slots=True)
class ChartSender:
    """Whose slide it is: words for its foot, and a logo (PNG in base64, its width and height as shown) or ''."""

    words: str = ""
    logo: str = ""
    size: tuple[int, int] = (0, 0)


NOBODY = ChartSender()


def slide(
    title: str, about: Sequence[str], draw: Callable[[Canvas], Drawing], source: str, sender: ChartSender = NOBODY
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
    marks.append(Stroke(f"M{MARGIN} {HEIGHT - foot}H{WIDTH - MARGIN}", Tone.GRID))
    marks.append(Words(MARGIN, HEIGHT - foot + 28, source, SOURCE, Tone.MUTED))
    marks += _signed(sender, inner)
    return Drawing(WIDTH, HEIGHT, marks)


def _signed(sender: ChartSender, inner: float) -> Iterator[Mark]:
    if sender.logo:
        wide, high = sender.size
        yield Photo(WIDTH - MARGIN - wide, STRIPE + 26, wide, high, sender.logo)
    if sender.words:
        yield Words(MARGIN, HEIGHT - FOOT + 28, cut(sender.words, inner, SOURCE), SOURCE, Tone.MUTED)


WIDE, NARROW = Canvas(560, 14), Canvas(300, 14)  # charts.css shows each at no less than 0.9 of its size


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, by its name in addresses and files.

    `title` says the fact, `about` what is counted, `subject` of what and when: a slide needs that, a page has said it.
    `in_words` is the chart in a sentence, `rows` its figures in words under `headers`. `draw` draws it for a canvas.
    """

    key: str
    title: str
    about: str
    subject: str
    in_words: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    draw: Callable[[Canvas], Drawing]

    @property
    def shown(self) -> str:
        """Its two drawings for a page, one for wide places and one for narrow ones, as SVG."""
        return inline_chart(self.draw(WIDE), "wide") + inline_chart(self.draw(NARROW), "narrow")

    def slide(self, source: str, sender: ChartSender = NOBODY) -> str:
        """The chart as a slide (SVG, 16:9) with its title, where and when its figures come from, and whose it is."""
        drawing = slide(self.title, (self.about, self.subject), self.draw, source, sender)
        return chart_file(drawing, self.title, self.in_words)


FONT = "'Source Sans 3', 'Segoe UI', Helvetica, Arial, sans-serif"
# Colours on white paper, which charts.css has as well where pages draw them, and edges of those too pale without.
PAPER = {
    Tone.JOINED: "#303675",
    Tone.DECLARED: "#cfd6f2",
    Tone.PREPARING: "#3a97c9",
    Tone.REFUSED: "#5a5d6b",
    Tone.INFORMED: "#e3e6ef",
    Tone.SILENT: "#e3e6ef",
    Tone.TRACK: "#eceef4",
    Tone.GRID: "#d5d7de",
    Tone.EVENT: "#5a5d6b",
    Tone.INK: "#272b3d",
    Tone.MUTED: "#5a5d6b",
    Tone.SHADE_1: "#f1f2f6",
    Tone.SHADE_2: "#d3d6e6",
    Tone.SHADE_3: "#a7a9c4",
    Tone.SHADE_4: "#303675",
    Tone.PAPER: "#ffffff",
}
SHADES = (Tone.SHADE_1, Tone.SHADE_2, Tone.SHADE_3, Tone.SHADE_4)
EDGES = {Tone.DECLARED: "#303675", Tone.INFORMED: "#7b819b", **dict.fromkeys(SHADES, "#767884")}
Paint = Callable[[Tone, bool], str]  # the attributes of a tone for what is filled (True) or stroked


def inline_chart(drawing: Drawing, kind: str) -> str:
    """The drawing for a page, of a class; hidden from screen readers, as words beside it say the same.

    A drawing of the kind "meter" takes the shape of its place.
    """
    stretched = ' preserveAspectRatio="none"' if kind == "meter" else ""
    size = f"{drawing.width:g} {drawing.height:g}"
    return (
        f'<svg class="drawing {kind}" viewBox="0 0 {size}"{stretched} aria-hidden="true" focusable="false">'
        f"{_body(drawing, _classed)}</svg>"
    )


def chart_file(drawing: Drawing, title: str, told: str) -> str:
    """The drawing as a file of its own on white, with its title and what it shows in words."""
    size = f"{drawing.width:g} {drawing.height:g}"
    wide, high = size.split()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{wide}" height="{high}" role="img"'
        f' font-family="{FONT}"><title>{escape(title)}</title><desc>{escape(told)}</desc>'
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>{_body(drawing, _coloured)}</svg>'
    )


def _body(drawing: Drawing, paint: Paint) -> str:
    return "".join(_mark(mark, paint) for mark in drawing.marks)


def _classed(tone: Tone, is_filled: bool) -> str:
    return f'class="{"fill" if is_filled else "stroke"}-{tone}"'


def _coloured(tone: Tone, is_filled: bool) -> str:
    if not is_filled:
        return f'fill="none" stroke="{PAPER[tone]}"'
    return f'fill="{PAPER[tone]}"' + (f' stroke="{EDGES[tone]}"' if tone in EDGES else "")


def _mark(mark: Mark, paint: Paint) -> str:
    if isinstance(mark, Box):
        place = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" height="{mark.height:g}"'
        return f"<rect {place} {paint(mark.tone, True)}/>"
    if isinstance(mark, Area):
        return f'<path d="{mark.path}" {paint(mark.tone, True)}/>'
    if isinstance(mark, Stroke):
        dash = f" stroke-dasharray={quoteattr(mark.dash)}" if mark.dash else ""
        return f'<path d="{mark.path}" {paint(mark.tone, False)} stroke-width="{mark.width:g}"{dash}/>'
    if isinstance(mark, Group):
        drawn = "".join(_mark(one, paint) for one in mark.marks)
        return f'<g transform="translate({mark.x:g} {mark.y:g}) scale({mark.scale:g})">{drawn}</g>'
    if isinstance(mark, Photo):
        place = f'x="{mark.x:g}" y="{mark.y:g}" width="{mark.width:g}" height="{mark.height:g}"'
        return f'<image {place} href="data:image/png;base64,{mark.base64}"/>'
    return _words(mark, paint)


def _words(mark: Words, paint: Paint) -> str:
    anchor = f' text-anchor="{mark.anchor}"' if mark.anchor is not Anchor.START else ""
    strong = ' font-weight="600"' if mark.is_strong else ""
    place = f'x="{mark.x:g}" y="{mark.y:g}" font-size="{mark.size:g}"{anchor}{strong}'
    return f"<text {place} {paint(mark.tone, True)}>{escape(mark.text)}</text>"
