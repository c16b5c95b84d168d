"""Reads the first sheet with cells of a workbook (XLSX, ODS) in a child process, with limits of time and memory.

A workbook is a zip file that may unpack to far more than it declares. The declared sizes are added up before it is
opened, and the real sizes are checked. Cells and characters are counted as they are read, because a workbook writes a
text once and may show it in every cell. The child may be killed at any moment without harm to the service.

Run as a module, this file is the child: it reads a workbook on standard input and prints a sheet of it as JSON. What it
prints is all that the parent ever holds of the workbook.
"""

import io
import json
import lzma
import re
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import reduce

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from outreach.core import sandbox
from outreach.core.text import french
from outreach.core.text.errors import InputError

SECONDS = 10
MEMORY = 1_500_000_000
UNPACKED = 60_000_000
MOST_ROWS = 100_000  # under the header
MOST_COLUMNS = 200
MOST_CELLS = 600_000  # a full hundred thousand rows of the six columns of a joining list
MOST_CHARACTERS = 6_000_000
EMPTY_ROWS = 1_000
MOST_NAMED = 5  # sheets that are not read
AS_CSV = "Enregistrez-le en CSV, entier : un CSV peut être plus grand."
NO_VALUE = "#SANS VALEUR"  # replaces a formula that has no computed value
CELL = re.compile(rb"<c\b([^<>]*+)>\s*+<f\b[^<>]*+(?:(?<=/)>|>[^<]*+</f>)\s*+(?:<v\s*+/>|<v>\s*+</v>)?+\s*+</c>")
SHEET = re.compile(rb'<sheet\b[^<>]*?\br:id="([^"]+)"')
LINK = re.compile(rb"<Relationship\b[^<>]*+>")
TARGET = re.compile(rb'\bTarget="/?(?:xl/)?([^"]+)"')
PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
# How many workbooks a process has read at once: each may take MEMORY. What anybody may send has a place of its own.
STAFF = threading.BoundedSemaphore(2)
PUBLIC = threading.BoundedSemaphore(1)
PUBLIC_WAIT = 2  # seconds that anybody waits for it: a few strangers would else hold all threads of pages
UNREADABLE = "Fichier illisible : le classeur est abîmé, ou protégé par un mot de passe."


class CellCount:
    """Counts the cells and characters of a table while it is read, so that nobody holds more than the limits.

    `instead` says what to do about a larger one. It is never to cut it: what an edition does not name is closed.
    """

    def __init__(
        self, most_characters: int = MOST_CHARACTERS, most_cells: int = MOST_CELLS, instead: str = AS_CSV
    ) -> None:
        self.most_characters, self.most_cells, self.instead = most_characters, most_cells, instead
        self._cells = self._characters = 0

    def add(self, cells: list[str]) -> None:
        """Count a row. Raises InputError when the table is now over a limit."""
        self._cells += len(cells)
        self._characters += sum(map(len, cells))
        if self._cells > self.most_cells:
            raise InputError(f"Le fichier a plus de {french.number(self.most_cells)} cellules. {self.instead}")
        if self._characters > self.most_characters:
            millions = self.most_characters // 1_000_000
            raise InputError(f"Le fichier contient plus de {millions} millions de caractères. {self.instead}")


@dataclass(frozen=True, slots=True)
class WorkbookSheet:
    """The cells of a sheet as text, how it is called where it is not alone, and the place of the one after it."""

    rows: list[list[str]]
    name: str = ""
    others: Sequence[str] = ()
    next: int | None = None

    @property
    def label(self) -> str:
        """How the workbook was read: which sheet of it, and which are not."""
        if not self.others:
            return "classeur"
        named = [f"« {name} »" for name in self.others[:MOST_NAMED]]
        more = len(self.others) - len(named)
        others = french.all_of([*named, french.plural(more, "autre", "autres")] if more else named)
        return f"classeur, feuille « {self.name} », sans lire {others}"


def read_workbook(content: bytes, places: threading.BoundedSemaphore | None = None, sheet: int = 0) -> WorkbookSheet:
    """The first sheet that has cells, from a place on, read in one of these places: by default, those of STAFF.

    Raises InputError when it is too big, damaged or takes too long, or when others are read for so long.
    """
    places = places or STAFF
    if not places.acquire(timeout=SECONDS if places is STAFF else PUBLIC_WAIT):
        raise InputError("D’autres classeurs sont en cours de lecture : réessayez dans quelques secondes.")
    try:
        return _read_apart(content, sheet)
    finally:
        places.release()


def _read_apart(content: bytes, sheet: int) -> WorkbookSheet:
    try:
        child = sandbox.run_module("outreach.core.sandbox.workbook", content, str(sheet), seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise InputError(f"Le classeur n’a pas pu être lu en {SECONDS} secondes.") from None
    if child.returncode < 0:
        raise InputError("Le classeur est trop grand : trop de cellules, ou une cellule loin des autres.")
    if child.returncode:
        raise InputError(UNREADABLE)
    answer = json.loads(child.stdout)
    if isinstance(answer, str):
        raise InputError(answer)
    return WorkbookSheet(**answer)


def _weigh(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
            if sum(member.file_size for member in members) > UNPACKED:
                raise InputError(f"Le classeur déclare plus de {UNPACKED // 1_000_000} Mo une fois déplié.")
            if any(member.filename.endswith("vbaProject.bin") for member in members):
                raise InputError("Le classeur contient une macro : enregistrez-le en XLSX simple.")
            # Reading stops at the declared size and checks the CRC, so a member larger than declared is detected.
            damaged = packed.testzip()
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        OSError,
    ):
        raise InputError(UNREADABLE) from None
    if damaged:
        raise InputError(UNREADABLE)


def _sheet(content: bytes, first: int) -> WorkbookSheet:
    """The first sheet with cells from a place on, of those that are shown, unless all are hidden."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    tables = [(at, each) for at, each in enumerate(book.sheets_metadata) if each.typ == SheetTypeEnum.WorkSheet]
    shown = [(at, each.name) for at, each in tables if each.visible == SheetVisibleEnum.Visible]
    shown = shown or [(at, each.name) for at, each in tables]
    for place, (at, name) in enumerate(shown[first:], first):
        if any(rows := _rows(content, book, at)):
            others = [other for there, other in shown if there != at]
            return WorkbookSheet(rows, name, others, place + 1 if shown[place + 1 :] else None)
    return WorkbookSheet([])


def _rows(content: bytes, book: CalamineWorkbook, at: int) -> list[list[str]]:
    sheet = book.get_sheet_by_index(at)
    before = [""] * min(sheet.start[1], MOST_COLUMNS) if sheet.start else []
    room = MOST_COLUMNS - len(before)
    rows: list[list[str]] = []
    tally, empty = CellCount(), 0
    for cells in sheet.iter_rows():
        if any(cell != "" for cell in cells[room:]):
            raise InputError(f"Le classeur a plus de {MOST_COLUMNS} colonnes.")
        row = before + [_text(cell) for cell in cells[:room]]
        while row and not row[-1]:
            row.pop()
        empty = 0 if row else empty + 1
        if empty > EMPTY_ROWS:
            break
        tally.add(row)
        rows.append(row)
        if len(rows) > MOST_ROWS + 1:
            raise InputError(f"Le classeur a plus de {french.number(MOST_ROWS)} lignes. {AS_CSV}")
    for number, column in sorted(_uncomputed(content, at)):
        if number < len(rows) + EMPTY_ROWS and column < MOST_COLUMNS:
            rows += [[] for _ in range(number + 1 - len(rows))]
            padding = [""] * (column + 1 - len(rows[number]))
            tally.add([*padding, NO_VALUE])
            rows[number] += padding
            rows[number][column] = NO_VALUE
    return rows


def _uncomputed(content: bytes, at: int) -> Iterator[tuple[int, int]]:
    """The row and column, from 0, of each formula of an XLSX's sheet that has no value; calamine skips them."""
    for attributes in CELL.findall(_xml_of(content, at)):
        place = PLACE.search(attributes)
        if place and b't="str"' not in attributes:  # the empty text is a value
            letters = reduce(lambda sum_, letter: 26 * sum_ + letter - 64, place[1], 0)
            yield int(place[2]) - 1, letters - 1


def _xml_of(content: bytes, at: int) -> bytes:
    """The XML of the sheet at a place of an XLSX; nothing for another format."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        try:
            named = SHEET.findall(packed.read("xl/workbook.xml"))[at]
            links = LINK.findall(packed.read("xl/_rels/workbook.xml.rels"))
            own = next(link for link in links if b'Id="' + named + b'"' in link)
            target = TARGET.search(own)
            return packed.read(f"xl/{target[1].decode()}") if target else b""
        except (KeyError, IndexError, StopIteration, UnicodeDecodeError):
            return b""


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell)


def _child() -> None:
    sandbox.limit(seconds=SECONDS, memory=MEMORY)
    answer: dict[str, object] | str
    try:
        content = sys.stdin.buffer.read()
        _weigh(content)
        answer = asdict(_sheet(content, int(sys.argv[1])))
    except InputError as error:
        answer = str(error)
    except CalamineError:
        answer = UNREADABLE
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    _child()
