"""Writes tables as files: XLSX (one sheet a table, no merged cells) and CSV; no cell runs as a formula."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import IO

import xlsxwriter
import xlsxwriter.utility
from xlsxwriter.utility import cell_autofit_width
from xlsxwriter.worksheet import Worksheet

from outreach.core.text import dates, french
from outreach.core.text.typed import file_stem

# Spreadsheets read a cell that starts with one of these as a formula; see OWASP, "CSV Injection".
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
SERVICE = "Fédération Wallonie-Bruxelles – Sensibilisation"
A4, PORTRAIT_COLUMNS = 9, 6  # the paper's number in the format; tables of more columns print across the page
ROWS_FOR_WIDTH = 500  # by which the widths of columns are chosen
FILTER_PIXELS = 16  # of the button of a header
WIDEST_PIXELS = 700
MOST_IN_HEAD = 80  # characters of a programme's name: a printed page's head has 255 at most
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table to export: the name of its sheet, its headers, its rows.

    `choices` are the words that a spreadsheet offers in the cells of a column, by its place from 0.
    """

    name: str
    headers: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    choices: Mapping[int, Sequence[str]] = field(default_factory=dict)


def with_column(table: Table, header: str, said: str) -> Table:
    """The table with a last column that says the same on each row."""
    width = len(table.headers)
    wide = ([*row, *[None] * (width - len(row)), said] for row in table.rows)
    rows = list(wide) if isinstance(table.rows, Sequence) else wide  # what may be read twice still may
    return replace(table, headers=[*table.headers, header], rows=rows)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from: the moment, the person who asked for it, and the campaign that it is about.

    `counted` says whose members alone it counts, in French, and `scope` in a word; both '' for all. `programme` is the
    name of the one that it is about, and `code` its code; both '' where it names none.
    """

    moment: datetime
    author: str
    campaign: str = ""
    counted: str = ""
    scope: str = ""
    programme: str = ""
    code: str = ""

    def table(self, subject: str) -> Table:
        """The same as a table, for the last sheet of a workbook."""
        told = [
            ("Tableau", subject),
            ("Programme", self.programme),
            ("Compte", self.counted),
            ("Campagne", self.campaign),
            ("Établi", f"le {french.moment(self.moment)}, heure de Bruxelles"),
            ("Par", self.author),
            ("Service", SERVICE),
        ]
        return Table("À propos", ("Ce fichier", ""), [row for row in told if row[1]])

    def suffix(self) -> str:
        """The programme, the scope, the day and the person for the name of a file, in ASCII:
        `_2026-11-27_nadia-lambert`."""
        words = map(file_stem, (self.code, self.scope, self.author))
        code, scope, author = (f"_{word}" if word else "" for word in words)
        return f"{code}{scope}_{dates.today(self.moment)}{author}"


def xlsx(*tables: Table, origin: Origin | None = None) -> bytes:
    """A workbook as bytes; `write_xlsx` says of what kind."""
    buffer = io.BytesIO()
    write_xlsx(buffer, tables, origin=origin)
    return buffer.getvalue()


def write_xlsx(file: IO[bytes], tables: Sequence[Table], origin: Origin | None = None) -> None:
    """Write a workbook with one sheet a table, headers frozen and filterable; text stays text.

    Sheets print on A4, as wide as a page, with the headers and the page's number on each. With an `origin`, a last
    sheet tells it, and so do the head of each printed page and the workbook's properties. It takes the same memory for
    any number of rows.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as workbook:
        bold = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        if origin:
            tables = (*tables, origin.table(tables[0].name))
            properties = {"title": tables[0].name, "subject": origin.campaign, "author": origin.author}
            workbook.set_properties(properties | {"company": SERVICE, "created": origin.moment.replace(tzinfo=None)})
        for table in tables:
            sheet = workbook.add_worksheet(table.name[:31])
            rows = iter(table.rows)
            first = list(islice(rows, ROWS_FOR_WIDTH))
            _widen(sheet, table.headers, first)
            sheet.write_row(0, 0, table.headers, bold)
            last = 0
            for last, row in enumerate(chain(first, rows), 1):
                sheet.write_row(last, 0, row)
            sheet.freeze_panes(1, 1)
            sheet.autofilter(0, 0, last, len(table.headers) - 1)
            for place, words in table.choices.items():
                offered = {"validate": "list", "source": list(words), "error_title": "Choix inconnu"}
                offered["error_message"] = "Choisissez dans la liste de la cellule."
                sheet.data_validation(1, place, max(last, 1), place, offered)
            _lay_out(sheet, table, origin)


def _widen(sheet: Worksheet, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Make columns as wide as their header and their first rows: once rows are written, they are out of memory."""
    widths = [FILTER_PIXELS + cell_autofit_width(header) for header in headers]
    for row in rows:
        for place, cell in enumerate(row[: len(widths)]):
            if cell is not None:
                widths[place] = max(widths[place], cell_autofit_width(str(cell)))
    for place, width in enumerate(widths):
        sheet.set_column_pixels(place, place, min(width, WIDEST_PIXELS))


def _lay_out(sheet: Worksheet, table: Table, origin: Origin | None) -> None:
    sheet.set_paper(A4)
    if len(table.headers) > PORTRAIT_COLUMNS:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)  # as wide as one page, as long as it takes
    sheet.repeat_rows(0)
    said = (origin.programme[:MOST_IN_HEAD].replace("&", "&&"), origin.counted) if origin else ()
    about = "".join(f", {word}" for word in said if word)
    head = f"{SERVICE}{about}&R{french.moment(origin.moment)}" if origin else SERVICE
    sheet.set_header(f"&L{head}")
    sheet.set_footer("&L&A&RPage &P sur &N")


def write_csv(file: IO[bytes], tables: Iterable[Table]) -> None:
    """Write CSV as Excel in French opens it: `;`, CRLF, UTF-8 after the byte order mark by which Excel recognises it.

    A cell that would start a formula gets an apostrophe. An empty line stands between tables. It takes the same memory
    for any number of rows.
    """
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    for number, table in enumerate(tables):
        if number:
            text.write("\r\n")
        writer.writerows([_inert(cell) for cell in row] for row in chain([table.headers], table.rows))
    text.detach()


def column_letter(place: int) -> str:
    """The letter of a column, from 0: A, B … Z, AA."""
    letters: str = xlsxwriter.utility.xl_col_to_name(place)
    return letters


def csv_bytes(table: Table) -> bytes:
    """A table as CSV, in bytes."""
    buffer = io.BytesIO()
    write_csv(buffer, [table])
    return buffer.getvalue()


def _inert(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return str(cell).replace(".", ",")
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(DANGEROUS) else cell
