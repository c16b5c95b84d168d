"""Gives the columns of a table their meaning by their headers, wherever the header row stands, and reads its rows.

Rows are numbered as a spreadsheet shows them.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, islice

from outreach.core.sandbox.workbook import NO_VALUE
from outreach.core.tables._reading import LONGEST_QUOTED, MOST_ABOVE, Grid, GridRow
from outreach.core.tables._writing import column_letter
from outreach.core.text import addresses as mending
from outreach.core.text.errors import InputError
from outreach.core.text.typed import CONTROLS, without_accents

LONGEST_CELL = 10_000
NO_HEADER = (-1, 0)
ERROR = "erreur"  # the column that files of rejected rows have more
NUMBER_SIGN = re.compile(r"n°|nº|\b(ndeg|num[eé]ro)\b")
PLURAL = re.compile(r"(?<=\w)\((?:e?s|x)\)")  # as in "E-mail(s)"
WORD = re.compile(r"[a-z0-9]+")
VALUE = re.compile(r"[\d\s.,:/-]+|.*\S@\S.*")  # a number, a date or an address: no header is written so
ADDRESS = re.compile(r"\S@\S")
NO_ROW = "Le fichier n’a qu’un en-tête : aucune ligne à lire."
ARTICLES = {"de", "du", "des", "l", "d", "la", "le"}
TOLD = re.compile(r"([^][]*)\[([^][]+)\]")  # a header of ours: what it is taken for, after what it was
BRACKETS = re.compile(r"[][]|\s(?=\s)")
# How lines begin that people write under a table.
NOTE = re.compile(r"(?:(?:sous )?tota(?:l|ux)|n ?b|notes?|remarques?|sources?|legende|mise? a jour|imprime)\b")


class MissingColumns(InputError):
    """A table lacks columns that it must have: fields, by what they hold, in words. `is_matchable` where its unknown
    columns may be what is missing.
    """

    def __init__(self, missing: Mapping[str, str], unknown: Sequence[str]) -> None:
        self.fields = tuple(missing)
        self.is_matchable = len(unknown) >= len(missing)
        also = f" Colonnes inconnues : {', '.join(filter(None, unknown))}." if any(unknown) else ""
        super().__init__(f"Colonnes manquantes : {', '.join(missing.values())}.{also}")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column of a kind of list: its usual header, and other spellings as `normalise_header` gives them, the surest
    first.

    `mend` gives a cell as it is probably meant, '' where it is to be left aside. `words` say to people what it holds.
    `holds` tells its cells, mended, from those of other columns. A title with one of the words `told_by` says it, too,
    where no other column has a title of its own. Where a cell is empty and those of every column are that are
    `carried`, they were merged with those above.

    With `is_several`, every column of it is read, a row's cells as one with several. Then a title with one of the words
    `won_by` is the only one read, and one with a word of `last` is read where no other is. So is one with a word of
    `belonging`, and only with a column of the field `beside`, which it is about. `rule` says so to people.
    """

    usual: str
    spellings: tuple[str, ...] = ()
    required: bool = False
    mend: Callable[[str], str] | None = None
    words: str = ""
    holds: Callable[[str], bool] | None = None
    told_by: Collection[str] = ()
    carried: bool = False
    is_several: bool = False
    won_by: Collection[str] = ()
    last: Collection[str] = ()
    belonging: Collection[str] = ()
    beside: str = ""
    rule: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every spelling, the surest first: the usual one, unless its place among the others is said."""
        usual, said = normalise_header(self.usual), normalise_header(self.words)
        names = self.spellings if usual in self.spellings else (usual, *self.spellings)
        return names if not said or said in names else (*names, said)

    @property
    def said(self) -> str:
        """What it holds, in words."""
        return self.words or self.usual

    def is_spelt(self, title: str) -> bool:
        """Whether a title is one of its spellings, in the plural or in another order, too."""
        normal = normalise_header(title)
        return normal in self.names or (bool(words := _loose(normal)) and words in map(_loose, self.names))

    def is_told(self, title: str) -> bool:
        """Whether a title has a word that says it."""
        return not words_of_title(title).isdisjoint(self.told_by)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its columns by field, its unknown columns, and its rows, which are read lazily.

    `set_aside` are the columns that are known and not read; `titles` and `places` are those of the columns that are,
    several of a field where it takes several.
    """

    titles: Mapping[str, Sequence[str]]
    places: Mapping[str, Sequence[int]]
    set_aside: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: Iterator[GridRow]

    @property
    def columns(self) -> Mapping[str, str]:
        """The title of each field's column."""
        return {word: ", ".join(titles) for word, titles in self.titles.items()}


@dataclass(frozen=True, slots=True)
class Below:
    """The records below so many, after a `first` one, read anew each time that they are asked for where those are."""

    records: Iterable[tuple[int, list[str]]]
    above: int
    first: Sequence[tuple[int, list[str]]] = ()

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return chain(self.first, islice(self.records, self.above, None))


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
        there = {normalise_header(name) for name in header}
        told = self.bracketed(header)
        known = dict.fromkeys(map(normalise_header, self.unused), "")
        known |= {name: "" for field in self.fields.values() for name in field.names}
        for word, field in self.fields.items():
            if word not in told:
                known |= dict.fromkeys([name for name in field.names if name in there and not known[name]][:1], word)
        named = [said or known.get(normalise_header(name)) for said, name in zip(told, header, strict=True)]
        return self._loosely(header, named)

    def bracketed(self, header: Sequence[str]) -> list[str | None]:
        """The fields that the headers of a file of ours say in brackets."""
        usual = {normalise_header(field.usual): word for word, field in self.fields.items()}
        said = [TOLD.fullmatch(name.strip()) for name in header]
        return [usual.get(normalise_header(each[2])) if each else None for each in said]

    def _loosely(self, header: Sequence[str], named: list[str | None]) -> list[str | None]:
        """The fields with those of columns whose header nearly is a spelling, else tells it, where no other column is
        one.
        """
        for says in (Heading.is_spelt, Heading.is_told):
            for place, name in enumerate(header):
                if named[place] is None:
                    free = ((word, field) for word, field in self.fields.items() if word not in named)
                    named[place] = next((word for word, field in free if says(field, name)), None)
        return named

    def mending(self, mends: Mapping[str, Callable[[str], str]]) -> "Headers":
        """The same with these ways to mend the cells of some fields."""
        fields = {word: replace(field, mend=mends.get(word, field.mend)) for word, field in self.fields.items()}
        return replace(self, fields=fields)

    def titles(self, grid: Grid) -> list[str]:
        """The header of a grid such that its titles alone say what its columns are taken for."""
        named, fields = self.named(grid.header), [*grid.fields]
        return [
            f"{name} [{self.fields[word].usual}]".strip() if word and word != named[place] else name
            for place, (name, word) in enumerate(zip(grid.header, fields or named, strict=False))
        ] + grid.header[len(fields or named) :]

    def titled(self, grid: Grid, said: Mapping[str, str]) -> Grid:
        """The grid with titles that say of some columns, by theirs, what a person says that they hold, in words.

        Raises InputError where there is no such column, or nothing is so called.
        """
        header = [*grid.header]
        for title, words in said.items():
            field = next((one for one in self.fields.values() if one.is_spelt(words)), None)
            places = [
                at for at, name in enumerate(grid.header) if name and normalise_header(name) == normalise_header(title)
            ]
            if field is None:
                offered = ", ".join(one.said for one in self.fields.values())
                raise InputError(f"« {words} » n’est pas ce que contient une colonne. Choisissez parmi : {offered}.")
            if not places:
                titles = ", ".join(name for name in map(tidy_cell, grid.header) if name)
                raise InputError(f"Aucune colonne n’a le titre « {title} ». Les titres sont : {titles}.")
            for at in places:
                header[at] = f"{BRACKETS.sub('', header[at])} [{field.usual}]"
        return replace(grid, header=header)

    def headed(self, grid: Grid) -> Grid:
        """The grid with its header row: the first that has every column, else the one that has most of them.

        What stands above it, as a title, is left out, and the label of the grid says so. A table that has none is given
        the letters of its columns.
        """
        first = [(grid.header_row, grid.header), *islice(grid.records, MOST_ABOVE)]
        at = max(range(len(first)), key=lambda place: self._likeness(first[place][1]))
        if self._likeness(first[at][1]) == NO_HEADER and (bare := self._bare(grid, first)):
            return bare
        number, header = first[at]
        label = grid.label if at == 0 else f"{grid.label}, en-tête à la ligne {number}"
        return Grid(label, header, Below(grid.records, at), number)

    def _likeness(self, row: Sequence[str]) -> tuple[int, int]:
        """How much a row is like the header: by its columns, then by its cells, as a title has few.

        A row of values, or with fewer cells than columns are required, is none.
        """
        filled = [cell.strip() for cell in row if cell.strip()]
        if len(filled) < len(self.required) or any(VALUE.fullmatch(cell) for cell in filled):
            return NO_HEADER
        read = {word for word in self.named(row) if word}
        return len(read) + len(self.fields) * (self.required <= read), len(filled)

    def _bare(self, grid: Grid, first: Sequence[tuple[int, list[str]]]) -> Grid | None:
        """The grid where values are its first row of as many cells as columns are required; None where none is."""
        rows = [
            (place, row) for place, (_, row) in enumerate(first) if len([*filter(str.strip, row)]) >= len(self.required)
        ]
        if len(self.required) < 2 or not rows or any(self.named(rows[0][1])):
            return None
        at = rows[0][0]
        header = [f"colonne {column_letter(place)}" for place in range(max(len(row) for _, row in first[at:]))]
        records = Below(grid.records, max(at - 1, 0), first[:1] if at == 0 else ())
        return Grid(f"{grid.label}, sans en-tête", header, records, first[at][0])

    def _holds_shapes(self, values: Mapping[str, str]) -> bool:
        return all(field.holds(values[word]) for word, field in self.fields.items() if field.required and field.holds)

    @cached_property
    def required(self) -> set[str]:
        """The fields that a table must have."""
        return {word for word, field in self.fields.items() if field.required}

    def sheet(self, grid: Grid) -> Sheet:
        """The cells of a table by what they mean.

        Raises MissingColumns, and InputError with the columns at fault.
        """
        header = [CONTROLS.sub("", name).strip() for name in grid.header]
        while header and not header[-1]:
            header.pop()
        titles, places = defaultdict[str, list[str]](list), defaultdict[str, list[int]](list)
        set_aside, unknown = [], []
        fields = grid.fields or self.named(header)
        for place, (name, field) in enumerate(zip(header, fields, strict=False)):
            if field is None:
                unknown.append(name[:LONGEST_QUOTED])
            elif field in titles and not self.fields[field].is_several:
                raise InputError(f"La colonne « {name} » figure deux fois.")
            elif field:
                titles[field].append(name)
                places[field].append(place)
            else:
                set_aside.append(name[:LONGEST_QUOTED])
        if not titles and len(unknown) == 1:
            raise InputError("Fichier illisible : il ne contient aucun tableau, ou une seule colonne, inconnue.")
        missing = {word: self.fields[word].said for word in self.fields if word in self.required - titles.keys()}
        if missing:
            raise MissingColumns(missing, unknown)
        rows = self._rows(grid, places, len(header))
        return Sheet(titles, places, tuple(set_aside), tuple(filter(None, unknown)), rows)

    def _rows(self, grid: Grid, places: Mapping[str, Sequence[int]], width: int) -> Iterator[GridRow]:
        empty = True
        menders = {word: mend for word in places if (mend := self.fields[word].mend)}
        carried = [word for word in places if self.fields[word].carried]
        has_shape = any(self.fields[word].holds for word in self.required)
        first = {word: own[0] for word, own in places.items()}
        several = {word: own for word, own in places.items() if len(own) > 1}
        above: Mapping[str, str] = {}
        for number, cells in grid.records:
            empty = False
            values = {word: tidy_cell(cell_of(cells, place)) for word, place in first.items()}
            for word, own in several.items():
                values[word] = next(filter(None, (tidy_cell(cell_of(cells, place)) for place in own)), "")
            is_whole = not has_shape and all(map(values.__getitem__, self.required)) and cells[0] != grid.header[0]
            if not is_whole and self._is_note(cells, values, grid.header):
                yield GridRow(number, {"": " ".join(filter(None, map(tidy_cell, cells)))}, is_note=True)
                above = {}
                continue
            fault = _fault(cells, width)
            row = GridRow(number, values, fault)
            joined = {} if fault else {word: self._joined(word, cells, own) for word, own in several.items()}
            values |= {word: before for word, (before, _) in joined.items()}
            mended = {} if fault else {word: mend(values[word]) for word, mend in menders.items() if values[word]}
            mended |= {word: text for word, (_, text) in joined.items()}
            if len(carried) > 1 and not any(values[word] for word in carried):
                mended |= above if not fault else {}
            changed = {word: text for word, text in mended.items() if text != values[word]}
            before = {word: values[word] for word in changed}
            row = replace(row, cells=values | changed, before=before) if changed else row
            above = {word: row.cells[word] for word in carried} if carried and not fault else {}
            yield row
        if empty:
            raise InputError(NO_ROW)

    def _joined(self, word: str, cells: Sequence[str], places: Sequence[int]) -> tuple[str, str]:
        """The cells of the columns of a field as one: as they stand, and as they are meant.

        One that holds nothing of the field is left aside beside one that does. Where none needs mending, both are one.
        """
        field = self.fields[word]
        mend, holds = field.mend or str, field.holds or bool
        said = [cell for place in places if (cell := tidy_cell(cell_of(cells, place)))]
        held = [cell for cell in said if holds(mend(cell))] or said
        text = mend("; ".join(held))
        return text if held == said == [*map(mend, said)] else "; ".join(said), text

    def _is_number(self, cell: str, values: Mapping[str, str]) -> bool:
        """Whether a cell, the first of its row, is a number or is mended to one in its column."""
        own = (self.fields[word].mend for word, value in values.items() if value and value == tidy_cell(cell))
        return any(mend(tidy_cell(cell)).isdecimal() for mend in (mending.fase, *filter(None, own)))

    def _is_note(self, cells: Sequence[str], values: Mapping[str, str], header: Sequence[str]) -> bool:
        """Whether a row is none of the table's: its header once more, or words under it or between its rows.

        These are alone on their line, or begin as such words do, with nothing that a required column must hold.
        """
        if len(self.required) < 2 or cells[: len(header)] == header:
            return len(self.required) > 1
        read = {word for word in self.required if values.get(word)}
        if read == self.required and self._holds_shapes(values):
            return False
        filled = [(place, cell) for place, cell in enumerate(cells) if cell and not cell.isspace()]
        place, first = filled[0] if filled else (0, "")
        if len(filled) > 2 or ADDRESS.search("".join(cells)) or self._is_number(first, values):
            return False
        if len(filled) == 1:
            return not read or place == next((at for at, name in enumerate(header) if name.strip()), 0)
        return bool(NOTE.match(normalise_header(first)))


def words_of_title(title: str) -> frozenset[str]:
    """The words of a header, whatever their order and number."""
    return _loose(normalise_header(title))


def normalise_header(header: str) -> str:
    """A header without what varies between editions: accents, case, punctuation, articles, "N°", "ndeg", "numéro"."""
    spaced = PLURAL.sub("", header.strip("\ufeff ").casefold().replace("_", " "))
    spelt = NUMBER_SIGN.sub(" n ", spaced)
    words = [word for word in WORD.findall(without_accents(spelt)) if word not in ARTICLES]
    return " ".join(words).replace("p o", "po")


@lru_cache(maxsize=4096)
def _loose(normal: str) -> frozenset[str]:
    """The words of a normalised header, whatever their order and number; "e-mail" is one."""
    return frozenset(word.removesuffix("s") for word in normal.replace("e mail", "email").split())


def cell_of(cells: Sequence[str], place: int) -> str:
    """The cell at a place of a row; '' where the row is shorter."""
    return cells[place] if place < len(cells) else ""


def tidy_cell(cell: str) -> str:
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
