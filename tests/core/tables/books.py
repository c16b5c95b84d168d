"""Makes workbooks of given rows, and workbooks that no spreadsheet would write."""

import io
import itertools
import zipfile
from datetime import date
from html import escape

import xlsxwriter

PAGE = "xl/worksheets/sheet1.xml"
BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {after} '{f'&{before};' * 10}'>" for before, after in itertools.pairwise("abcdefgh"))
    + "]>"
)


def workbook(*rows, merged=()):
    """The bytes of an XLSX with these rows; dates are shown as days. `merged` has the text of each range of cells."""
    return book_of({"Feuille": rows}, merged=merged)


def book_of(sheets, *, merged=(), hidden=()):
    """The bytes of an XLSX with these sheets, each with its rows."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                for place, cell in enumerate(cells):
                    page.write(number, place, cell, day if isinstance(cell, date) else None)
            for cells, text in merged:
                page.merge_range(cells, text)
            if name in hidden:
                page.hide()
        next(page for page in book.worksheets() if page.get_name() not in hidden).activate()
    return buffer.getvalue()


def ods(sheets):
    """The bytes of an ODS with these sheets, each with its rows."""
    urn, kind = "urn:oasis:names:tc:opendocument:xmlns", "application/vnd.oasis.opendocument.spreadsheet"
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_ods_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    named = " ".join(f'xmlns:{each}="{urn}:{each}:1.0"' for each in ("office", "table", "text"))
    content = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
    manifest = f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0">{entry}</manifest:manifest>'
    return packed(
        mimetype=kind,
        **{"META-INF__manifest.xml": manifest},
        **{"content.xml": f"<office:document-content {named}>{content}</office:document-content>"},
    )


def _ods_row(cells):
    return f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>"


def _ods_cell(cell):
    if isinstance(cell, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
    text = f"<text:p>{escape(cell)}</text:p>"
    return f'<table:table-cell office:value-type="string">{text}</table:table-cell>' if cell else "<table:table-cell/>"


def repeated(text, times, columns=48):
    """A workbook of a few kilobytes that writes a text once and shows it in `times` cells, under a proper header."""
    cells = '<c t="s"><v>4</v></c>' * columns
    rows = "".join(f'<row r="{number}">{cells}</row>' for number in range(2, 2 + times // columns))
    book = workbook(["fase", "volet", "statut", "date"])
    book = changed(book, "xl/sharedStrings.xml", lambda xml: xml.replace("</sst>", f"<si><t>{text}</t></si></sst>"))
    return changed(book, PAGE, lambda xml: xml.replace("</sheetData>", f"{rows}</sheetData>"))


def packed(**members):
    """A zip file of these members; `__` in a name stands for a slash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def changed(content, name, change):
    """A workbook with one of its members rewritten."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in read.namelist():
            text = read.read(member).decode()
            archive.writestr(member, change(text) if member == name else text)
    return buffer.getvalue()
