"""Understands the columns of a table by what their cells hold, where their titles say it wrongly or not at all.

A column is understood only where a single one can be meant: of two, a person says which. Of a field that may have
several columns, all are read that no title rules out, and whoever sends the list is told which are and which are not.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from outreach.core.tables._headers import Headers, MissingColumns, cell_of, tidy_cell, words_of_title
from outreach.core.tables._reading import LONGEST_QUOTED, Grid
from outreach.core.tables._writing import column_letter
from outreach.core.text import addresses
from outreach.core.text.french import all_of

SAMPLE = 300  # rows in which columns are looked at
MOSTLY = 0.8  # the share of the filled cells of a column that hold what it is taken for: some have errors
HARDLY = 0.5  # beneath this share, a title is wrong where another column is right
Holds = Mapping[str, Callable[[str], bool]]


class UnclearColumns(MissingColumns):
    """Several columns of a table may be what it must have."""

    def __init__(self, word: str, said: str, columns: Sequence[str]) -> None:
        super().__init__({word: said}, columns)
        named = all_of([f"« {name[:LONGEST_QUOTED]} »" for name in columns])
        sentence = (
            f"Plusieurs colonnes peuvent être celle de « {said} » : {named}. Dites laquelle, ou donnez-lui ce titre."
        )
        self.args = (sentence,)


@dataclass(frozen=True, slots=True)
class Understood:
    """A grid with the field of each of its columns, and the places of those that may be the same, by field."""

    grid: Grid
    unclear: Mapping[str, Sequence[int]]

    def sure(self, headers: Headers) -> Grid:
        """The grid. Raises UnclearColumns where a person has to say which column is meant."""
        for word, places in self.unclear.items():
            field = headers.fields[word]
            raise UnclearColumns(word, field.said, [self.grid.header[place] for place in places])
        return self.grid


def understand_columns(headers: Headers, grid: Grid, known: Holds) -> Understood:
    """Understand the columns of a grid. `known` tells by field what the database knows that its cells hold.

    What no field holds but the database knows keeps a column from being taken for another. A column that a person has
    named stays as it is named.
    """
    if grid.fields:
        return Understood(grid, {})
    return _Columns(headers, grid, known).understood()


def may_hold(headers: Headers, grid: Grid, missing: Sequence[str]) -> bool:
    """Whether columns of a grid look as if these fields were among them, whatever their titles."""
    numbers = {word: _is_number for word in missing if headers.fields[word].mend is addresses.fase}
    columns = _Columns(headers, grid, numbers)
    named = headers.named(columns.header)
    free = [place for place, word in enumerate(named) if word not in headers.required]
    fitting = {
        word: [place for place in free if columns.fits(word, place)] for word in missing if word in columns.holds
    }
    return len(fitting) == len(missing) and all(fitting.values())


def _is_number(cell: str) -> bool:
    return cell.isdecimal() or (addresses.is_apart(cell) and "@" not in cell)


class _Columns:
    """The columns of a grid, with a sample of their cells."""

    def __init__(self, headers: Headers, grid: Grid, known: Holds) -> None:
        self.headers, self.grid = headers, grid
        shapes = {word: field.holds for word, field in headers.fields.items() if field.holds}
        texts = {word for word, field in headers.fields.items() if not field.required and not field.mend}
        self.texts = {word: holds for word, holds in known.items() if word in texts}
        numbers = {word: holds for word, holds in known.items() if word not in self.texts}
        self.several = {word for word, field in headers.fields.items() if field.is_several}
        self.holds = numbers | {word: holds for word, holds in shapes.items() if word not in numbers}
        self.absent, self.found = set[str](), set[str]()
        self.ours = headers.bracketed(grid.header)
        rows = [cells for _, cells in islice(grid.records, SAMPLE)]
        width = max((len(row) for row in rows), default=0) if self.holds else 0
        self.header = [*grid.header, *[""] * (width - len(grid.header))]
        cells = [[tidy_cell(cell_of(row, place)) for row in rows] for place in range(len(self.header))]
        self.samples = [[cell for cell in column if cell] for column in cells]
        self.columns = cells
        named = enumerate(headers.named(self.header))
        self.settled = {word for place, word in named if word in self.holds and self.fits(word, place)}
        self.passed_over = dict[str, Sequence[str]]()

    def understood(self) -> Understood:
        """By their titles, then by what they hold."""
        if not self.holds:
            return Understood(replace(self.grid, fields=self.headers.named(self.header)), {})
        taken = dict[int, str]()
        unclear = dict[str, Sequence[int]]()
        for word in filter(self.headers.required.__contains__, self.holds):
            named = self._named(taken)
            places = self._said(word) or self._found(word, named, taken)
            if len(places) == 1 or word in self.several:
                taken |= dict.fromkeys(places, word)
                self.found.add(word)
            elif places:
                unclear[word] = places
        for word in self.texts:
            taken |= dict.fromkeys(self._texts(word, taken, unclear), word)
        named = self._named(taken)
        for word, places in unclear.items():
            named = [None if name == word or place in places else name for place, name in enumerate(named)]
        header = [
            name.strip() or (f"colonne {column_letter(place)}" if self._is_unnamed(place, named) else "")
            for place, name in enumerate(self.header)
        ]
        return Understood(replace(self.grid, header=header, fields=named, passed_over=self.passed_over), unclear)

    def _is_unnamed(self, place: int, named: Sequence[str | None]) -> bool:
        """Whether a column without a title is to be called by its letter: it is read, or left aside with its cells."""
        return bool(named[place] or (place < len(self.grid.header) and self.samples[place]))

    def _named(self, taken: Mapping[int, str]) -> list[str | None]:
        """The fields by title, those aside that are taken by a column for what it holds.

        No column that holds what another field does is a name or another text: it is unknown.
        """
        gone = {*taken.values(), *self.absent}
        others = {word: field for word, field in self.headers.fields.items() if word not in gone}
        header = ["" if place in taken else name for place, name in enumerate(self.header)]
        other_titles = (name for word in taken.values() for name in self.headers.fields[word].names)
        named = Headers(others, {*self.headers.unused, *other_titles}).named(header)
        return [
            taken.get(place) or (None if word and self._is_foreign(word, place) else word)
            for place, word in enumerate(named)
        ]

    def _is_foreign(self, word: str, place: int) -> bool:
        return word not in self.holds and any(self.fits(other, place) for other in self.several)

    def _said(self, word: str) -> Sequence[int]:
        """The places of the columns that a person, or a file of ours, says are a field's."""
        return [place for place, said in enumerate(self.ours) if said == word]

    def _found(self, word: str, named: Sequence[str | None], taken: Mapping[int, str]) -> Sequence[int]:
        places = self._several(word, named) if word in self.several else self._candidates(word, named, taken)
        if not places and word in named:
            self.absent.add(word)
        return places

    def _several(self, word: str, named: Sequence[str | None]) -> Sequence[int]:
        """The places of the columns of a field that may have several: those whose title tells it and that mostly hold
        it; without any, those that mostly hold it; else those with such a title, whatever they hold.
        """
        field = self.headers.fields[word]
        barred = (
            set() if self._stands(field.beside, named) else self._titled(field.belonging) - self._titled(field.won_by)
        )
        free = [place for place in range(len(self.header)) if place not in barred]
        ours = [place for place in free if named[place] in {word, "", None}]
        spelt = {place for place in ours if field.is_spelt(self.header[place])}
        told = {place for place in ours if field.is_told(self.header[place])}
        some = {place for place in told if self._share(word, place)}
        mostly = {place for place in free if self._share(word, place) >= HARDLY}
        others = self._fuller(word, [place for place in mostly if not self._is_another(word, place, named[place])])
        sure = (spelt | told) & mostly
        tiers = (sure and sure | some, others, some | {at for at in spelt if self._share(word, at)}, told, spelt)
        found: set[int] = next(filter(None, tiers), set())
        won = self._titled(field.won_by) & (some | mostly)
        read = won or found - self._titled({*field.last, *field.belonging}) or found
        held = {place for place in range(len(self.header)) if self._share(word, place) >= HARDLY} | some
        if passed := [place for place in sorted(held - read) if not self._repeats(place, held)]:
            self.passed_over[word] = [self.header[place] or f"colonne {column_letter(place)}" for place in passed]
        return [place for place in sorted(read) if not self._repeats(place, read)]

    def _stands(self, word: str, named: Sequence[str | None]) -> bool:
        """Whether a column is a field's by its title, and by what it holds as far as that can be told."""
        return word in named and (word not in self.holds or self.fits(word, named.index(word)))

    def _titled(self, words: Collection[str]) -> set[int]:
        """The places of the columns whose title has one of these words."""
        return {place for place, name in enumerate(self.header) if not words_of_title(name).isdisjoint(words)}

    def _fuller(self, word: str, places: Sequence[int]) -> set[int]:
        """Those of these places whose column holds at least half as much of a field as the fullest."""
        most = max((self._count(word, place) for place in places), default=0)
        return {place for place in places if 2 * self._count(word, place) >= most}

    def _repeats(self, place: int, places: Collection[int]) -> bool:
        """Whether a column holds the same as one of these before it."""
        return any(other < place and self.columns[other] == self.columns[place] for other in places)

    def _candidates(self, word: str, named: Sequence[str | None], taken: Mapping[int, str]) -> Sequence[int]:
        """The places of the columns that may be a field's: the titled one alone unless it holds something else.

        One that should hold numbers and has words alone is none, where its title may be that of names as well.
        """
        titled = next((place for place, name in enumerate(named) if name == word), None)
        fitting = [
            place
            for place, name in enumerate(named)
            if place not in taken and self.fits(word, place) and not self._is_another(word, place, name)
        ]
        if titled is None:
            return self._unlike(fitting)
        if titled in fitting:
            return [titled]
        is_wrong = not self.samples[titled] or self._share(word, titled) < HARDLY
        is_names = self.headers.fields[word].mend is addresses.fase and self._are_names(word, titled)
        return self._unlike(fitting) if is_wrong and (fitting or is_names) else [titled]

    def _are_names(self, word: str, place: int) -> bool:
        """Whether hardly a cell of a column has a digit, and its title is one of another field, too."""
        cells, others = self.samples[place], (one for name, one in self.headers.fields.items() if name != word)
        if not any(one.is_spelt(self.header[place]) for one in others):
            return False
        words = [cell for cell in cells if any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))]
        return len(words) >= MOSTLY * len(cells) > 0

    def _texts(self, word: str, taken: Mapping[int, str], unclear: Mapping[str, Sequence[int]]) -> Sequence[int]:
        """The place of the column that holds known names of a kind where no title says so, whatever it is titled.

        A title that is known to be of something else that is not read stays so: « Commune ».
        """
        named, kept = self._named(taken), {place for places in unclear.values() for place in places}
        if word in named or word in self.headers.bracketed(self.header):
            return ()
        free = (
            place for place, name in enumerate(named) if place not in {*taken, *kept} and name not in {"", *self.texts}
        )
        return [place for place in free if self.fits(word, place)][:1]

    def _is_another(self, word: str, place: int, name: str | None) -> bool:
        """Whether a column is surely another field's: it is titled so, and holds that, or may as well be that."""
        if name == word:
            return False
        if name in self.holds:
            return self.fits(name, place)
        return any(self.fits(other, place) for other in self.holds if other not in {word, *self.settled, *self.found})

    def _unlike(self, places: Sequence[int]) -> Sequence[int]:
        """These places, unless their columns hold the same: then the first."""
        return places[:1] if all(self.columns[place] == self.columns[places[0]] for place in places) else places

    def fits(self, word: str, place: int) -> bool:
        """Whether most cells of a column hold what a field does."""
        sample = self.samples[place]
        is_count = sample == [*map(str, range(1, len(sample) + 1))]  # of the rows: such numbers may be anybody's
        return bool(sample) and not is_count and self._share(word, place) >= MOSTLY

    def _share(self, word: str, place: int) -> float:
        return self._count(word, place) / len(self.samples[place]) if self.samples[place] else 0

    def _count(self, word: str, place: int) -> int:
        field, holds = self.headers.fields.get(word), {**self.holds, **self.texts}[word]
        mend = field.mend if field else None
        return sum(holds(mend(cell) if mend else cell) for cell in self.samples[place])
