"""Draws a note's pictures: the QR code of its public page, and the ten teaching zones as a schematic map.

The map has a tile for each zone, where the zone lies among the others. The register has no borders of zones, so the map
shows neither their size nor their outline, and says so.
"""

import io

import segno

from outreach import french
from outreach.charts import svg
from outreach.charts.marks import Canvas
from outreach.charts.tiles import Tile, shade, tiles
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
COLUMNS, CANVAS = 6, Canvas(340, 12)
BREAKS = {"-": "- ", "embourg": "em- bourg"}  # where names break that are wider than a tile


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
    if len({shade(_share(int(row[joined]), int(row[base]))) for row in rows}) < 2:
        return None
    told = ", ".join(f"{row[0]} {row[joined]} sur {row[base]}" for row in rows)
    alternative = french.typeset(f"Écoles qui ont adhéré, par zone, sur celles que le volet concerne : {told}.")
    drawing = tiles([_tile(str(row[0]), int(row[joined]), int(row[base])) for row in rows], CANVAS, COLUMNS)
    return Picture(
        svg.file(drawing, table.title, alternative), alternative, french.typeset(f"{table.title}. {CAPTION}")
    )


def _base(names: list[str]) -> int | None:
    return next((names.index(name) for name in ("concerned", "base", "schools") if name in names), None)


def _key(zone: object) -> str:
    return " ".join(without_accents(str(zone).casefold()).split())


def _tile(zone: str, joined: int, base: int) -> Tile:
    column, row = PLACES[_key(zone)]
    for whole, broken in BREAKS.items():
        zone = zone.replace(whole, broken)
    return Tile(column, row, zone, f"{joined} / {base}", _share(joined, base))


def _share(joined: int, base: int) -> float:
    return joined / base if base else 0.0


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
