"""What the pages of every list sent as a file share: how big it may be, its cells by name, its rejected rows."""

from collections.abc import Sequence

from outreach.spreadsheets.tables import Grid, Rejection
from outreach.web.ui import exports

BIGGEST_UPLOAD = 16_000_000
SHOWN_LINES = 20


def letters(grid: Grid) -> dict[str, str]:
    """The spreadsheet letter of each column, by its header, so that pages can name a cell "B17"."""
    return {name.strip(): exports.column_letter(place) for place, name in enumerate(grid.header)}


def rejected_table(grid: Grid, rejections: Sequence[Rejection]) -> exports.Table:
    """The rejected rows as they were sent, with what is wrong in a column more, to be corrected and sent again."""
    errors = {rejection.row: rejection for rejection in rejections}
    faulty = [(errors[number], cells) for number, cells in grid.records if number in errors]
    width = max(len(grid.header), *(len(cells) for _, cells in faulty), 0)
    rows = [[*_wide(cells, width), _told(rejection)] for rejection, cells in faulty]
    return exports.Table("Lignes rejetées", [*_wide(grid.header, width), "erreur"], rows)


def _wide(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _told(rejection: Rejection) -> str:
    return f"{rejection.column} : {rejection.message}" if rejection.column else rejection.message
