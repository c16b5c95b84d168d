"""Makes workbooks of given rows, and workbooks that no spreadsheet would write."""

import io
import zipfile
from datetime import date

import xlsxwriter

PAGE = "xl/worksheets/sheet1.xml"


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
