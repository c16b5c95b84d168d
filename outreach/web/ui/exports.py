"""Tables as answers of pages, to be saved as XLSX or CSV."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Response
from flask_login import current_user

from outreach.spreadsheets.written import Cell, Origin, Table, column_letter, csv_bytes, csv_text, xlsx
from outreach.web.ui.request import inert, now

__all__ = ["Cell", "Table", "column_letter", "csv_bytes", "csv_text", "download", "form", "xlsx"]  # both halves

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NETWORK = ("Réseau", "Réseau au registre")  # headers of the two cells of a network: its name, then the register's value


def download(table: Table, kind: str, name: str, *more: Table, whole: bool = False, campaign: str = "") -> Response:
    """A response that saves a table as `xlsx` (with more sheets) or `csv`, whose links the frame looks at.

    The name says the day and who asked; a workbook says so inside, with the `campaign` that it is about.
    With `whole` a CSV has the other tables, too, each under an empty line; otherwise the first only.
    """
    origin = Origin(now(), current_user.name, campaign)
    return _response((table, *more), kind, name + origin.suffix(), whole=whole, origin=origin)


def form(table: Table, kind: str, name: str) -> Response:
    """A response that saves a table which is filled in or corrected, then sent back: nothing is added to it."""
    return _response((table,), kind, name)


def _response(
    tables: Sequence[Table], kind: str, name: str, *, whole: bool = False, origin: Origin | None = None
) -> Response:
    if kind == "csv":
        texts = map(csv_text, tables if whole else tables[:1])
        return attachment(b"\xef\xbb\xbf" + "\r\n".join(texts).encode(), "text/csv; charset=utf-8", f"{name}.csv")
    return attachment(xlsx(*map(_unlinked, tables), origin=origin), XLSX, f"{name}.xlsx")


def attachment(content: bytes, mimetype: str, name: str) -> Response:
    """A response that saves these bytes under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, content_type=mimetype, headers=headers)


def _unlinked(table: Table) -> Table:
    """The table, in which no link of a letter works."""
    return replace(table, rows=([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows))
