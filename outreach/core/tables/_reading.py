"""Reads a table (CSV, XLSX, ODS) into cells. Rows are numbered as a spreadsheet shows them."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count, dropwhile, islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import NamedTuple

from outreach.core.sandbox.workbook import MOST_COLUMNS, MOST_ROWS, CellCount, read_workbook
from outreach.core.text import french
from outreach.core.text.errors import InputError

LONGEST_LINE = 4_000_000  # characters of a line of a file
UTF16 = (b"\xff\xfe", b"\xfe\xff")
SEPARATORS = ";,\t"
MOST_ABOVE = 20  # lines that may stand above the header
# PDF, old or encrypted Office files, PNG, JPEG, gzip, zip.
OTHER_FORMATS = (b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"PK\x03\x04")
LONGEST_QUOTED = 60
LONGEST_FAULT = 500
NO_TABLE = "Fichier illisible : ce n’est ni un CSV, ni un XLSX, ni un ODS (ou il est protégé par un mot de passe)."
LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")  # in a header, only a file that is no text has them


class CsvLimits(NamedTuple):
    """How large a CSV may be, what to do about a larger one: never to cut it, as an edition closes what it lacks."""

    rows: int
    cells: int
    characters: int
    instead: str


# CSV hides nothing: it has as many bytes as characters at least, and no cell is repeated in it by reference. So it may
# have a full hundred thousand rows of the fourteen columns of a list of contacts.
OF_PAGES = CsvLimits(
    *(MOST_ROWS, 1_400_000, 16_000_000),
    "N’en retirez rien : la personne qui exploite le service l’importe entier, par la commande ./run.",
)
# The cells of a file that a command reads are never held. Ten countries have 83,460 rows of 28 columns.
OF_FILES = CsvLimits(10_000_000, 30_000_000, 1_000_000_000, "Vérifiez que c’est la liste.")


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row: its number in a spreadsheet and its cells by field. `fault` says why it cannot be read at all.

    `before` has the cells that were mended, as they were. With `is_note` it is none of the table's rows, and not read.
    """

    number: int
    cells: Mapping[str, str]
    fault: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was left out: its number, the column at fault ('' = the row as a whole) and a sentence.

    `field` is the field that the column was read for, where the row was judged just now.
    """

    row: int
    column: str
    message: str
    field: str = ""

    def as_json(self) -> dict[str, int | str]:
        """The rejection as JSON, under fixed names."""
        return {"row": self.row, "column": self.column, "message": self.message}


class RowFault(Exception):
    """A row cannot be accepted: the field at fault ('' = the row as a whole) and a sentence.

    Code that reads rows catches it and makes a `Rejection`.
    """

    def __init__(self, column: str, message: str) -> None:
        self.column, self.message = column, _shortened(message)
        super().__init__(self.message)


def _shortened(message: str) -> str:
    """The message with each quotation of more than LONGEST_QUOTED characters cut short.

    A cell may have quotation marks of its own, so the whole is cut, too.
    """
    pieces: list[str] = []
    at = 0
    while (start := message.find("« ", at)) >= 0:
        cut = start + 2 + LONGEST_QUOTED
        end = message.find(" »", start + 2)
        if end < 0:
            break
        pieces += (message[at:end], " »") if end <= cut else (message[at:cut], "… »")
        at = end + 2
    said = "".join(pieces) + message[at:]
    return said if len(said) <= LONGEST_FAULT else f"{said[:LONGEST_FAULT]}…"


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a file. `label` says how it was read; each record comes with its row number in a spreadsheet.

    `fields` are those of its columns once they are understood, by place: '' for one that is not read, None for an
    unknown one. `passed_over` has the columns that would have done as well for a field as the one that is read.
    `next_sheet` is the place of the sheet of its workbook after it, None for none.
    """

    label: str
    header: list[str]
    records: Iterable[tuple[int, list[str]]]
    header_row: int = 1
    fields: Sequence[str | None] = ()
    passed_over: Mapping[str, Sequence[str]] = field(default_factory=dict)
    next_sheet: int | None = None


def read_grid(content: bytes, places: BoundedSemaphore | None = None, sheet: int = 0) -> Grid:
    """Read XLSX, ODS or CSV text, recognised by its first bytes; the file's name is not trusted.

    Of a workbook, the first sheet is read that has cells, from `sheet` on. `places` are those in which one may be read
    (`workbook.read_workbook`).

    Raises InputError when it is none of these, is too big or cannot be read; in CSV, a fault deeper in the file is
    raised while the records are read.
    """
    if content.startswith(b"PK"):
        read = read_workbook(content, places, sheet)
        numbered = [(number, row) for number, row in enumerate(read.rows, 1) if any(cell.strip() for cell in row)]
        if not numbered:
            raise InputError("Le fichier est vide.")
        return Grid(read.label, numbered[0][1], numbered[1:], numbered[0][0], next_sheet=read.next)
    if content.startswith(OTHER_FORMATS):
        raise InputError(NO_TABLE)
    text, encoding = decode_text(content)
    # Line by line: io.StringIO would hold the text once more, four bytes a character.
    return _csv_grid(lambda: (match[0] for match in LINE.finditer(text)), encoding, OF_PAGES)


def is_csv(path: Path) -> bool:
    """Whether a file is a CSV that `file_grid` reads, by its first bytes."""
    with path.open("rb") as file:
        return not file.read(8).startswith((*OTHER_FORMATS, *UTF16, b"PK"))


def file_grid(path: Path) -> Grid:
    """The cells of a CSV file, read line by line each time that its records are asked for: nothing holds them all.

    Raises InputError as `read_grid` does.
    """
    encoding = "UTF-8" if _is_utf8(path) else "Windows-1252"
    return _csv_grid(partial(_lines, path, encoding), encoding, OF_FILES)


def _is_utf8(path: Path) -> bool:
    with path.open(encoding="utf-8", newline="") as file:
        try:
            while file.read(LONGEST_LINE):
                pass
        except UnicodeDecodeError:
            return False
    return True


def _lines(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        for number in count(1):
            line = file.readline(LONGEST_LINE)
            if not line:
                return
            if len(line) == LONGEST_LINE:
                raise InputError(NO_TABLE)
            yield line if number > 1 else line.lstrip("\ufeff")


@dataclass(frozen=True, slots=True)
class _CsvRecords:
    """The records of CSV lines under its header, read and counted anew each time that they are asked for."""

    lines: Callable[[], Iterator[str]]
    separator: str
    limits: CsvLimits

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        tally = CellCount(self.limits.characters, self.limits.cells, self.limits.instead)
        for number, cells in islice(_records(self.lines(), self.separator), 1, None):
            tally.add(cells)
            if number > self.limits.rows + 1:
                rows = french.number(self.limits.rows)
                raise InputError(f"Le fichier a plus de {rows} lignes. {self.limits.instead}")
            yield number, cells


def _csv_grid(lines: Callable[[], Iterator[str]], encoding: str, limits: CsvLimits) -> Grid:
    """CSV text, its separator detected. Raises InputError when it is no text or empty."""
    if all(map(_is_blank, lines())):
        raise InputError("Le fichier est vide.")
    separator = _separator(lines())
    _, header = next(_records(lines(), separator), (1, []))
    if NO_TEXT.search("".join(header)):
        raise InputError(NO_TABLE)
    named = "tabulation" if separator == "\t" else separator
    return Grid(f"{encoding}, séparateur « {named} »", header, _CsvRecords(lines, separator, limits))


def decode_text(content: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-16 if marked (BOM), UTF-8 with any number of marks, else Windows-1252.

    Raises InputError on damaged UTF-16.
    """
    if content.startswith(UTF16):
        try:
            return content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise InputError("Le fichier commence comme un texte en UTF-16, mais il est coupé ou abîmé.") from None
    try:
        return content.decode("utf-8").lstrip("\ufeff"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "Windows-1252"


def _separator(lines: Iterator[str]) -> str:
    """The separator of the first line that has any: a title above the header may have none."""
    first = islice(dropwhile(_is_blank, lines), MOST_ABOVE + 1)
    header = next((line for line in first if any(sign in line for sign in SEPARATORS)), "")
    return max(SEPARATORS, key=header.count)


def _is_blank(line: str) -> bool:
    return not line.strip()


def _records(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number, line = 0, 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(_syntax_fault(line, separator, str(error))) from None
        number += 1
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise InputError(f"Ligne {line} : {len(cells)} colonnes, {MOST_COLUMNS} au plus.")
        if cells:
            yield number, cells
        line = reader.line_num + 1


def _syntax_fault(line: int, separator: str, error: str) -> str:
    if "unexpected end" in error or "field larger" in error:
        return f"Ligne {line} : un guillemet ouvert n’est jamais refermé, ou une cellule dépasse 131072 caractères."
    return f"Ligne {line} : guillemet mal placé, la ligne est illisible (séparateur lu : « {separator} »)."
