"""Understands the columns of a table by what their cells hold, where their titles say it wrongly or not at all.

A column is understood only where a single one can be meant: of two, a person says which. Of several columns of e-mail
addresses, which nothing else looks like, the fullest is read, and whoever sends the list is told which are not.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from outreach.french import all_of
from outreach.spreadsheets import mending
from outreach.spreadsheets.headers import Headers, MissingColumns, cell_of, normalised, tidy
from outreach.spreadsheets.tables import LONGEST_QUOTED, Grid
from outreach.spreadsheets.written import column_letter

SAMPLE = 300  # rows in which columns are looked at
MOSTLY = 0.8  # the share of the filled cells of a column that hold what it is taken for: some have errors
HARDLY = 0.5  # beneath this share, a title is wrong where another column is right
PRIVATE = re.compile(r"\b(?:privee?s?|perso|personnel(?:le)?s?|domicile)\b")  # titles of columns that are read last
Holds = Mapping[str, Callable[[str], bool]]


class UnclearColumns(MissingColumns):
    """Several columns of a table may be what it must have."""

    def __init__(self, word: str, usual: str, said: str, columns: Sequence[str]) -> None:
        super().__init__({word: usual}, columns)
        named = all_of([f"« {name[:LONGEST_QUOTED]} »" for name in columns])
        told = (
            f"Plusieurs colonnes peuvent être celle de « {said} » : {named}. "
            f"Donnez le titre « {usual} » à celle qui l’est, un autre à l’autre."
        )
        self.args = (told,)


@dataclass(frozen=True, slots=True)
class Understood:
    """A grid with the field of each of its columns, and the places of those that may be the same, by field."""

    grid: Grid
    unclear: Mapping[str, Sequence[int]]

    def sure(self, headers: Headers) -> Grid:
        """The grid. Raises UnclearColumns where a person has to say which column is meant."""
        for word, places in self.unclear.items():
            field = headers.fields[word]
            raise UnclearColumns(word, field.usual, field.said, [self.grid.header[place] for place in places])
        return self.grid


def understood(headers: Headers, grid: Grid, known: Holds) -> Understood:
    """Understand the columns of a grid. `known` tells by field what the database knows that its cells hold.

    What no field holds but the database knows keeps a column from being taken for another. A column that a person has
    named stays as it is named.
    """
    if grid.fields:
        return Understood(grid, {})
    return _Columns(headers, grid, known).understood()


def may_hold(headers: Headers, grid: Grid, missing: Sequence[str]) -> bool:
    """Whether columns of a grid look as if these fields were among them, whatever their titles."""
    numbers = {word: _is_number for word in missing if headers.fields[word].mend is mending.fase}
    columns = _Columns(headers, grid, numbers)
    named = headers.named(columns.header)
    free = [place for place, word in enumerate(named) if word not in headers.required]
    fitting = {
        word: [place for place in free if columns.fits(word, place)] for word in missing if word in columns.holds
    }
    return len(fitting) == len(missing) and all(fitting.values())


def _is_number(cell: str) -> bool:
    return cell.isdecimal() or (mending.is_apart(cell) and "@" not in cell)


class _Columns:
    """The columns of a grid, with a sample of their cells."""

    def __init__(self, headers: Headers, grid: Grid, known: Holds) -> None:
        self.headers, self.grid = headers, grid
        shapes = {word: field.holds for word, field in headers.fields.items() if field.holds}
        texts = {word for word, field in headers.fields.items() if not field.required and not field.mend}
        self.texts = {word: holds for word, holds in known.items() if word in texts}
        numbers = {word: holds for word, holds in known.items() if word not in self.texts}
        self.shaped, self.holds = set(shapes), {**numbers, **shapes}
        rows = [cells for _, cells in islice(grid.records, SAMPLE)]
        width = max((len(row) for row in rows), default=0) if self.holds else 0
        self.header = [*grid.header, *[""] * (width - len(grid.header))]
        cells = [[tidy(cell_of(row, place)) for row in rows] for place in range(len(self.header))]
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
            places = self._shaped(word, named) if word in self.shaped else self._candidates(word, named)
            if len(places) > 1 and word in self.shaped:
                places = self._fullest(word, places)
            if len(places) == 1:
                taken[places[0]] = word
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
        others = {word: field for word, field in self.headers.fields.items() if word not in taken.values()}
        header = ["" if place in taken else name for place, name in enumerate(self.header)]
        other_titles = (name for word in taken.values() for name in self.headers.fields[word].names)
        named = Headers(others, {*self.headers.unused, *other_titles}).named(header)
        return [
            taken.get(place) or (None if word and self._is_foreign(word, place) else word)
            for place, word in enumerate(named)
        ]

    def _is_foreign(self, word: str, place: int) -> bool:
        return word not in self.holds and any(self.fits(other, place) for other in self.shaped)

    def _shaped(self, word: str, named: Sequence[str | None]) -> Sequence[int]:
        """The places of the columns that may be a field's which nothing else looks like: those with its title first,
        then those whose title tells it, then any that mostly hold it, then those with such a title, whatever they hold.
        One whose title tells it and that has more than twice as many cells stands beside the first.
        """
        if word in (ours := self.headers.bracketed(self.header)):
            return [ours.index(word)]
        field, free = self.headers.fields[word], [*enumerate(self.header)]
        spelt = [place for place, name in free if named[place] in {word, "", None} and field.is_spelt(name)]
        told = [place for place, name in free if named[place] in {word, "", None} and field.is_told(name)]
        mostly = [place for place, _ in free if self._share(word, place) >= HARDLY]
        others = [place for place in mostly if not self._is_another(word, place, named[place])]
        titled = [place for place in (*spelt, *told) if self._share(word, place)]
        tiers = ({*spelt} & {*mostly}, {*told} & {*mostly}, others, titled, told, spelt)
        first: set[int] = next(filter(None, map(set, tiers)), set())
        most = max((self._count(word, place) for place in first), default=0)
        fuller = {place for place in {*told} & {*mostly} if self._count(word, place) > 2 * most}
        return self._unlike(sorted(first | fuller))

    def _fullest(self, word: str, places: Sequence[int]) -> Sequence[int]:
        """The place of the column that holds most, the first of several, none that is private unless all are."""
        open_to_all = [place for place in places if not PRIVATE.search(normalised(self.header[place]))] or places
        fullest = max(open_to_all, key=lambda place: self._count(word, place))
        others = [place for place in places if place != fullest]
        self.passed_over[word] = [self.header[place] or f"colonne {column_letter(place)}" for place in others]
        return [fullest]

    def _candidates(self, word: str, named: Sequence[str | None]) -> Sequence[int]:
        """The places of the columns that may be a field's: the titled one alone unless it holds something else."""
        titled = next((place for place, name in enumerate(named) if name == word), None)
        fitting = [
            place
            for place, name in enumerate(named)
            if self.fits(word, place) and not self._is_another(word, place, name)
        ]
        if titled is None:
            return self._unlike(fitting)
        if titled in fitting:
            return [titled]
        is_wrong = not self.samples[titled] or self._share(word, titled) < HARDLY
        return self._unlike(fitting) if is_wrong and fitting else [titled]

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
        return any(self.fits(other, place) for other in self.holds if other not in {word, *self.settled})

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
