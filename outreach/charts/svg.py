"""Drawings as SVG: within a page, whose style sheet has the colours, or as a file that has its own."""

from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from outreach.charts.marks import Anchor, Area, Box, Drawing, Group, Line, Mark, Photo, Tone, Words

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


def inline(drawing: Drawing, kind: str) -> str:
    """The drawing for a page, of a class; hidden from screen readers, as words beside it say the same.

    A drawing of the kind "meter" takes the shape of its place.
    """
    stretched = ' preserveAspectRatio="none"' if kind == "meter" else ""
    size = f"{drawing.width:g} {drawing.height:g}"
    return (
        f'<svg class="drawing {kind}" viewBox="0 0 {size}"{stretched} aria-hidden="true" focusable="false">'
        f"{_body(drawing, _classed)}</svg>"
    )


def file(drawing: Drawing, title: str, told: str) -> str:
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
    if isinstance(mark, Line):
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
