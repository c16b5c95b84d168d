"""Makes workbooks of given rows, and workbooks that no spreadsheet would write."""

import io
import itertools
import zipfile
from datetime import date

import xlsxwriter

PAGE = "xl/worksheets/sheet1.xml"
BOMB = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {after} '{f'&{before};' * 10}'>" for before, after in itertools.pairwise("abcdefgh"))
    + "]>"
)


def workbook(*rows):
    """The bytes of an XLSX with these rows; dates are shown as days."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet()
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for number, cells in enumerate(rows):
            for place, cell in enumerate(cells):
                page.write(number, place, cell, day if isinstance(cell, date) else None)
    return buffer.getvalue()


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
