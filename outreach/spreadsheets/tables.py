"""Reads a table (CSV, XLSX, ODS), gives its columns their meaning, and locates its faults.

Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from threading import BoundedSemaphore

from outreach.errors import InputError
from outreach.spreadsheets.workbook import (
    MOST_COLUMNS,
    MOST_ROWS,
    NO_VALUE,
    CellCount,
    read_workbook,
)
from outreach.text import CONTROLS, without_accents

LONGEST_CELL = 10_000
# CSV hides nothing: it has as many bytes as characters at least, and no cell is repeated in it by reference. So it may
# have a full hundred thousand rows of the fourteen columns of a list of contacts.
MOST_CHARACTERS_OF_CSV = 16_000_000
MOST_CELLS_OF_CSV = 1_400_000
SEPARATORS = ";,\t"
# PDF, old or encrypted Office files, PNG, JPEG, gzip, zip.
OTHER_FORMATS = (b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"PK\x03\x04")
LONGEST_QUOTED = 60
NO_TABLE = "Fichier illisible : ce n’est ni un CSV, ni un XLSX, ni un ODS (ou il est protégé par un mot de passe)."
NUMBER_SIGN = re.compile(r"n°|nº|\b(ndeg|num[eé]ro)\b")
WORD = re.compile(r"[a-z0-9]+")
LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n)|[^\r\n]++")
NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")  # in a header, only a file that is no text has them


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in a spreadsheet and its cells by field. `fault` says why it cannot be read at all."""

    number: int
    cells: Mapping[str, str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was left out: its number, the column at fault ('' = the row as a whole) and a sentence."""

    row: int
    column: str
    message: str

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
    """The message with each quotation of more than LONGEST_QUOTED characters cut short."""
    pieces: list[str] = []
    at = 0
    while (start := message.find("« ", at)) >= 0:
        cut = start + 2 + LONGEST_QUOTED
        end = message.find(" »", cut + 1)
        if end < 0:
            break
        pieces += message[at:cut], "… »"
        at = end + 2
    return "".join(pieces) + message[at:]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its columns by field, its unknown columns, and its rows, which are read lazily.

    `set_aside` are the columns that are known and not read.
    """

    columns: Mapping[str, str]
    set_aside: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a file. `label` says how it was read; each record comes with its row number in a spreadsheet."""

    label: str
    header: list[str]
    records: Iterable[tuple[int, list[str]]]


def read_grid(content: bytes, places: BoundedSemaphore | None = None) -> Grid:
    """Read XLSX, ODS or CSV text, recognised by its first bytes; the file's name is not trusted.

    `places` are those in which a workbook may be read (`workbook.read_workbook`).

    Raises InputError when it is none of these, is too big or cannot be read; in CSV, a fault deeper in the file is
    raised while the records are read.
    """
    if content.startswith(b"PK"):
        rows = read_workbook(content, places)
        numbered = [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
        if not numbered:
            raise InputError("Le fichier est vide.")
        return Grid("classeur", numbered[0][1], numbered[1:])
    if content.startswith(OTHER_FORMATS):
        raise InputError(NO_TABLE)
    grid = _csv_grid(content)
    return replace(grid, records=_counted(grid.records))


def _csv_grid(content: bytes) -> Grid:
    """CSV text, its encoding and separator detected. Raises InputError when it is no text or empty."""
    text, encoding = decode(content)
    if not text.strip():
        raise InputError("Le fichier est vide.")
    separator = _separator(text)
    records = _records(text, separator)
    _, header = next(records, (1, []))
    if NO_TEXT.search("".join(header)):
        raise InputError(NO_TABLE)
    named = "tabulation" if separator == "\t" else separator
    return Grid(f"{encoding}, séparateur « {named} »", header, records)


def interpret(grid: Grid, match: Callable[[str], str | None], required: Mapping[str, str]) -> Sheet:
    """Give the columns their meaning. `match` gives the field a header stands for ('' = known and not used, None =
    unknown); `required` maps each field that must be there to its usual header.

    Raises InputError, with the columns at fault.
    """
    header = list(grid.header)
    fields, set_aside, unknown = _fields(header, match, required)
    columns = {field: CONTROLS.sub("", header[place]).strip() for place, field in fields.items()}
    return Sheet(columns, set_aside, unknown, _rows(grid.records, fields, len(header)))


def decode(content: bytes) -> tuple[str, str]:
    """Text and the name of its encoding: UTF-16 if marked (BOM), UTF-8 with any number of marks, else Windows-1252.

    Raises InputError on damaged UTF-16.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            raise InputError("Le fichier se dit en UTF-16 mais il est coupé ou abîmé.") from None
    try:
        return content.decode("utf-8").lstrip("\ufeff"), "UTF-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "Windows-1252"


def normalised(header: str) -> str:
    """A header without what varies between editions: accents, case, punctuation, articles, "N°", "ndeg", "numéro"."""
    spaced = header.strip("\ufeff ").casefold().replace("_", " ")
    spelt = NUMBER_SIGN.sub(" n ", spaced)
    words = [
        word for word in WORD.findall(without_accents(spelt)) if word not in {"de", "du", "des", "l", "d", "la", "le"}
    ]
    return " ".join(words).replace("p o", "po")


def _separator(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(SEPARATORS, key=header.count)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    # Line by line: io.StringIO would hold the text once more, four bytes a character.
    lines = (match[0] for match in LINE.finditer(text))
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
            if number > MOST_ROWS + 1:
                raise InputError(f"Le fichier a plus de {MOST_ROWS} lignes : découpez-le.")
            yield number, cells
        line = reader.line_num + 1


def _counted(records: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    tally = CellCount(MOST_CHARACTERS_OF_CSV, MOST_CELLS_OF_CSV)
    for number, cells in records:
        tally.add(cells)
        yield number, cells


def _syntax_fault(line: int, separator: str, error: str) -> str:
    if "unexpected end" in error or "field larger" in error:
        return f"Ligne {line} : un guillemet ouvert n’est jamais refermé, ou une cellule dépasse 131072 caractères."
    return f"Ligne {line} : guillemet mal placé, la ligne est illisible (séparateur lu : « {separator} »)."


def _fields(
    header: list[str], match: Callable[[str], str | None], required: Mapping[str, str]
) -> tuple[dict[int, str], tuple[str, ...], tuple[str, ...]]:
    while header and not header[-1].strip():
        header.pop()
    fields: dict[int, str] = {}
    set_aside, unknown = [], []
    for place, name in enumerate(CONTROLS.sub("", name).strip() for name in header):
        field = match(name)
        if field is None:
            unknown.append(name[:LONGEST_QUOTED])
        elif field in fields.values():
            raise InputError(f"La colonne « {name} » figure deux fois.")
        elif field:
            fields[place] = field
        else:
            set_aside.append(name[:LONGEST_QUOTED])
    if not fields and len(unknown) == 1:
        raise InputError("Fichier illisible : il ne contient aucun tableau, ou une seule colonne, inconnue.")
    missing = [usual for field, usual in required.items() if field not in fields.values()]
    if missing:
        also = f" Colonnes inconnues : {', '.join(unknown)}." if unknown else ""
        raise InputError(f"Colonnes manquantes : {', '.join(missing)}.{also}")
    return fields, tuple(set_aside), tuple(unknown)


def _rows(records: Iterable[tuple[int, list[str]]], fields: Mapping[int, str], width: int) -> Iterator[Row]:
    empty = True
    places = list(fields.items())
    for number, cells in records:
        empty = False
        values = {field: tidy(cells[place]) if place < len(cells) else "" for place, field in places}
        yield Row(number, values, _row_fault(cells, width))
    if empty:
        raise InputError("Le fichier n’a qu’un en-tête : aucune ligne à lire.")


def _row_fault(cells: list[str], width: int) -> str:
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        return f"La ligne a {len(cells)} cellules pour {width} colonnes."
    for cell in cells:
        if CONTROLS.search(cell):
            return "Caractère interdit dans une cellule."
        if cell == NO_VALUE:
            return "Une formule est sans valeur : ouvrez le classeur dans un tableur et enregistrez-le."
        if len(cell) > LONGEST_CELL:
            return f"Une cellule dépasse {LONGEST_CELL} caractères."
    return ""


def tidy(cell: str) -> str:
    """A cell in composed form (NFC), without stray or doubled spaces."""
    return " ".join(unicodedata.normalize("NFC", cell).split()) if cell else ""
