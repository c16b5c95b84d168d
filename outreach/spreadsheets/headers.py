"""Gives the columns of a table their meaning by their headers, wherever the header row stands, and reads its rows.

Rows are numbered as a spreadsheet shows them.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from outreach.errors import InputError
from outreach.spreadsheets.tables import LONGEST_QUOTED, MOST_ABOVE, Grid, Row
from outreach.spreadsheets.workbook import NO_VALUE
from outreach.text import CONTROLS, without_accents

LONGEST_CELL = 10_000
NUMBER_SIGN = re.compile(r"n°|nº|\b(ndeg|num[eé]ro)\b")
WORD = re.compile(r"[a-z0-9]+")
VALUE = re.compile(r"[\d\s.,:/-]+|.*@.*")  # a number, a date or an address: no header is written so
NO_ROW = "Le fichier n’a qu’un en-tête : aucune ligne à lire."
ARTICLES = {"de", "du", "des", "l", "d", "la", "le"}


class MissingColumns(InputError):
    """A table lacks columns that it must have; `is_matchable` where its unknown ones may be what is missing."""

    def __init__(self, missing: Sequence[str], unknown: Sequence[str]) -> None:
        self.is_matchable = len(unknown) >= len(missing)
        also = f" Colonnes inconnues : {', '.join(unknown)}." if unknown else ""
        super().__init__(f"Colonnes manquantes : {', '.join(missing)}.{also}")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a kind of list: its usual header, and other spellings as `normalised` gives them, the surest first.

    `mend` gives a cell as it is probably meant, '' where it is to be left aside.
    """

    usual: str
    spellings: tuple[str, ...] = ()
    required: bool = False
    mend: Callable[[str], str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling, the surest first: the usual one, unless its place among the others is said."""
        usual = normalised(self.usual)
        return self.spellings if usual in self.spellings else (usual, *self.spellings)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its columns by field, its unknown columns, and its rows, which are read lazily.

    `set_aside` are the columns that are known and not read; `places` are those of the columns that are.
    """

    columns: Mapping[str, str]
    places: Mapping[str, int]
    set_aside: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class Below:
    """The records below so many, read anew each time that they are asked for where those are."""

    records: Iterable[tuple[int, list[str]]]
    above: int

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return islice(self.records, self.above, None)


@dataclass(frozen=True)
class Headers:
    """The columns of a kind of list, by field, and the headers that are known and not used."""

    fields: Mapping[str, Heading]
    unused: Collection[str] = ()

    def named(self, header: Sequence[str]) -> list[str | None]:
        """The field of each column: '' for one that is known and not read, None for an unknown one.

        Where a file has several columns of one field, the surest counts. A spelling of several fields is the first
        one's that has no surer column, so that "Nom" is an organisation's where another column names the person.
        """
        there = {normalised(name) for name in header}
        known = dict.fromkeys(map(normalised, self.unused), "")
        known |= {name: "" for field in self.fields.values() for name in field.names}
        for word, field in self.fields.items():
            known |= dict.fromkeys([name for name in field.names if name in there and not known[name]][:1], word)
        return self._plurals(header, [known.get(normalised(name)) for name in header])

    def _plurals(self, header: Sequence[str], named: list[str | None]) -> list[str | None]:
        """The fields with those of columns whose header is a spelling in the plural, where no other column is one."""
        for place, name in enumerate(header):
            if named[place] is None:
                single = _singular(normalised(name))
                free = (word for word, field in self.fields.items() if word not in named and single in field.names)
                named[place] = next(free, None)
        return named

    def headed(self, grid: Grid) -> Grid:
        """The grid with its header row: the first that has every column, else the one that has most of them.

        What stands above it, as a title, is left out, and the label of the grid says so.
        """
        first = [(grid.header_row, grid.header), *islice(grid.records, MOST_ABOVE)]
        at = max(range(len(first)), key=lambda place: self._likeness(first[place][1]))
        number, header = first[at]
        label = grid.label if at == 0 else f"{grid.label}, en-tête à la ligne {number}"
        return Grid(label, header, Below(grid.records, at), number)

    def _likeness(self, row: Sequence[str]) -> tuple[int, int]:
        """How much a row is like the header: by its columns, then by its cells, as a title has few.

        A row of values, or with fewer cells than columns are required, is none.
        """
        required = {word for word, field in self.fields.items() if field.required}
        filled = [cell.strip() for cell in row if cell.strip()]
        if len(filled) < len(required) or any(VALUE.fullmatch(cell) for cell in filled):
            return -1, 0
        read = {word for word in self.named(row) if word}
        return len(read) + len(self.fields) * (required <= read), len(filled)

    def sheet(self, grid: Grid) -> Sheet:
        """The cells of a table by what they mean.

        Raises MissingColumns, and InputError with the columns at fault.
        """
        header = [CONTROLS.sub("", name).strip() for name in grid.header]
        while header and not header[-1]:
            header.pop()
        columns, places = dict[str, str](), dict[str, int]()
        set_aside, unknown = [], []
        for place, (name, field) in enumerate(zip(header, grid.fields or self.named(header), strict=False)):
            if field is None:
                unknown.append(name[:LONGEST_QUOTED])
            elif field in columns:
                raise InputError(f"La colonne « {name} » figure deux fois.")
            elif field:
                columns[field], places[field] = name, place
            else:
                set_aside.append(name[:LONGEST_QUOTED])
        if not columns and len(unknown) == 1:
            raise InputError("Fichier illisible : il ne contient aucun tableau, ou une seule colonne, inconnue.")
        missing = [field.usual for word, field in self.fields.items() if field.required and word not in columns]
        if missing:
            raise MissingColumns(missing, unknown)
        rows = self._rows(grid.records, places, len(header))
        return Sheet(columns, places, tuple(set_aside), tuple(unknown), rows)

    def _rows(self, records: Iterable[tuple[int, list[str]]], places: Mapping[str, int], width: int) -> Iterator[Row]:
        empty = True
        menders = {word: mend for word in places if (mend := self.fields[word].mend)}
        for number, cells in records:
            empty = False
            values = {word: tidy(cell_of(cells, place)) for word, place in places.items()}
            fault = _fault(cells, width)
            row = Row(number, values, fault)
            mended = {} if fault else {word: mend(values[word]) for word, mend in menders.items() if values[word]}
            changed = {word: text for word, text in mended.items() if text != values[word]}
            before = {word: values[word] for word in changed}
            yield replace(row, cells=values | changed, before=before) if changed else row
        if empty:
            raise InputError(NO_ROW)


def normalised(header: str) -> str:
    """A header without what varies between editions: accents, case, punctuation, articles, "N°", "ndeg", "numéro"."""
    spaced = header.strip("\ufeff ").casefold().replace("_", " ")
    spelt = NUMBER_SIGN.sub(" n ", spaced)
    words = [word for word in WORD.findall(without_accents(spelt)) if word not in ARTICLES]
    return " ".join(words).replace("p o", "po")


def _singular(header: str) -> str:
    return " ".join(word.removesuffix("s") for word in header.split())


def cell_of(cells: Sequence[str], place: int) -> str:
    """The cell at a place of a row; '' where the row is shorter."""
    return cells[place] if place < len(cells) else ""


def tidy(cell: str) -> str:
    """A cell in composed form (NFC), without stray or doubled spaces."""
    return " ".join((cell if cell.isascii() else unicodedata.normalize("NFC", cell)).split())


def _fault(cells: list[str], width: int) -> str:
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        return f"La ligne a {len(cells)} cellules pour {width} colonnes."
    if (
        not CONTROLS.search("".join(cells))
        and NO_VALUE not in cells
        and len(max(cells, key=len, default="")) <= LONGEST_CELL
    ):
        return ""  # nearly every row, whose cells are quicker to ask together
    for cell in cells:
        if CONTROLS.search(cell):
            return "Caractère interdit dans une cellule."
        if cell == NO_VALUE:
            return "Une formule est sans valeur : ouvrez le classeur dans un tableur et enregistrez-le."
        if len(cell) > LONGEST_CELL:
            return f"Une cellule dépasse {LONGEST_CELL} caractères."
    return ""
