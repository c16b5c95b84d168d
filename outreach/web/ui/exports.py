"""Tables as files: XLSX (one sheet a table, no merged cells) and CSV; no cell runs as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import xlsxwriter
import xlsxwriter.utility
from flask import Response

from outreach.web.ui.frame import inert

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Spreadsheets read a cell that starts with one of these as a formula; see OWASP, "CSV Injection".
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
Cell = str | int | float | None
REGISTERED = "Nom au registre"  # the header of an authority's name as the register spells it
NETWORK = ("Réseau", "Réseau au registre")  # headers of the two cells of a network: its name, then the register's value


@dataclass(frozen=True, slots=True)
class Table:
    """A table to export: the name of its sheet, its headers, its rows."""

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def xlsx(*tables: Table) -> bytes:
    """A workbook with one sheet a table, headers frozen and filterable; text stays text."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as workbook:
        bold = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for table in tables:
            sheet = workbook.add_worksheet(table.name[:31])
            rows = [list(row) for row in table.rows]
            sheet.write_row(0, 0, table.headers, bold)
            for number, row in enumerate(rows, 1):
                sheet.write_row(number, 0, row)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, len(rows), len(table.headers) - 1)
            sheet.autofit()
    return buffer.getvalue()


def csv_text(table: Table) -> str:
    """CSV as Excel in French opens it: `;`, CRLF; a cell that would start a formula gets an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerows([_inert(cell) for cell in row] for row in (table.headers, *table.rows))
    return buffer.getvalue()


def column_letter(place: int) -> str:
    """The letter of a column, from 0: A, B … Z, AA."""
    letters: str = xlsxwriter.utility.xl_col_to_name(place)
    return letters


def csv_bytes(table: Table) -> bytes:
    """CSV as bytes, with the byte order mark by which Excel recognises UTF-8."""
    return b"\xef\xbb\xbf" + csv_text(table).encode()


def download(table: Table, kind: str, name: str, *more: Table, whole: bool = False) -> Response:
    """A response that saves a table as `xlsx` (with more sheets) or `csv`, whose links the frame looks at.

    With `whole` a CSV has the other tables, too, each under an empty line; otherwise the first only.
    """
    if kind == "csv":
        texts = map(csv_text, (table, *(more if whole else ())))
        return _attachment(b"\xef\xbb\xbf" + "\r\n".join(texts).encode(), "text/csv; charset=utf-8", f"{name}.csv")
    return _attachment(xlsx(*map(_unlinked, (table, *more))), XLSX, f"{name}.xlsx")


def _attachment(content: bytes, mimetype: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, content_type=mimetype, headers=headers)


def _unlinked(table: Table) -> Table:
    """The table, in which no link of a letter works."""
    return replace(table, rows=[[inert(cell) if isinstance(cell, str) else cell for cell in row] for row in table.rows])


def _inert(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return str(cell).replace(".", ",")
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(DANGEROUS) else cell
