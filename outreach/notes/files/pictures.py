"""Draws a note's pictures: the QR code of its public page, and the ten teaching zones as a schematic map.

The map has a tile for each zone, where the zone lies among the others. The register has no borders of zones, so the map
shows neither their size nor their outline, and says so.
"""

import io
from html import escape
from xml.sax.saxutils import quoteattr

import segno

from outreach import french
from outreach.notes.content import NoteTable, TableKind
from outreach.notes.files.parts import Picture
from outreach.text import without_accents

# Column and row of each tile; as the register names the zones, without accents and capitals.
PLACES = {
    "bruxelles": (2, 0),
    "brabant wallon": (2, 1),
    "huy-waremme": (3, 1),
    "liege": (4, 1),
    "verviers": (5, 1),
    "wallonie picarde": (0, 2),
    "hainaut centre": (1, 2),
    "hainaut sud": (2, 2),
    "namur": (3, 2),
    "luxembourg": (4, 2),
}
CAPTION = (
    "Carte schématique des zones : leur place, sans leur étendue ni leurs limites. "
    "Plus la case est foncée, plus la part des écoles qui ont adhéré est grande."
)
WIDE, HIGH, GAP = 92, 58, 4
# Ground and ink by share of what the strand concerns, palest first; each pair has a contrast of 4.5 at least.
SHADES = ((0, "#f1f2f6", "#272b3d"), (5, "#d3d6e6", "#272b3d"), (10, "#a7a9c4", "#1c2033"), (20, "#303675", "#ffffff"))


def zone_map(table: NoteTable) -> Picture | None:
    """The map of a table by zone; None for another table, where no row is a zone of the map, or all have one shade.

    Each tile has the zone's name, how many schools joined and of how many.
    """
    names = [column.name for column in table.columns]
    if table.kind is not TableKind.ZONE or "joined" not in names:
        return None
    joined, base = names.index("joined"), _base(names)
    if base is None:
        return None
    rows = [row for row in table.rows if _key(row[0]) in PLACES]
    if len({_shade(int(row[joined]), int(row[base])) for row in rows}) < 2:
        return None
    tiles = [_tile(str(row[0]), int(row[joined]), int(row[base])) for row in rows]
    told = ", ".join(f"{row[0]} {row[joined]} sur {row[base]}" for row in rows)
    width, height = 6 * (WIDE + GAP) - GAP, 3 * (HIGH + GAP) - GAP
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="Source Sans 3, sans-serif" text-anchor="middle">{"".join(tiles)}</svg>'
    )
    return Picture(
        svg,
        french.typeset(f"Écoles qui ont adhéré, par zone, sur celles que le volet concerne : {told}."),
        french.typeset(f"{table.title}. {CAPTION}"),
    )


def _base(names: list[str]) -> int | None:
    return next((names.index(name) for name in ("concerned", "base", "schools") if name in names), None)


def _key(zone: object) -> str:
    return " ".join(without_accents(str(zone).casefold()).split())


def _tile(zone: str, joined: int, base: int) -> str:
    column, row = PLACES[_key(zone)]
    x, y = column * (WIDE + GAP), row * (HIGH + GAP)
    ground, ink = _shade(joined, base)
    middle = x + WIDE // 2
    return (
        f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{WIDE - 1}" height="{HIGH - 1}" rx="4" fill={quoteattr(ground)}'
        f' stroke="#767884"/>'
        f'<text x="{middle}" y="{y + 22}" font-size="11.5" fill="{ink}">{escape(zone)}</text>'
        f'<text x="{middle}" y="{y + 43}" font-size="16" font-weight="600" fill="{ink}">{joined} / {base}</text>'
    )


def _shade(joined: int, base: int) -> tuple[str, str]:
    """The ground and the ink of a tile."""
    share = 100 * joined / base if base else 0
    return next((ground, ink) for least, ground, ink in reversed(SHADES) if share >= least)


def qr_svg(address: str) -> str:
    """The code as SVG, with the quiet zone that readers need (ISO/IEC 18004 §6.3.8)."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", border=4, scale=4, xmldecl=False)
    return drawn.getvalue().decode()


def qr_png(address: str) -> bytes:
    """The code as PNG."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="png", border=4, scale=8)
    return drawn.getvalue()
