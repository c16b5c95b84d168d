"""What every list that people send would do: at least how its file was read, and which rows it leaves out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from outreach.french import all_of, initial
from outreach.spreadsheets.headers import Headers
from outreach.spreadsheets.tables import Grid, Rejection, Row, RowFault

MOST_NOTED = 200  # mended cells of a list that are shown one by one; the others are counted


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """The columns that were read for a field which several hold; `others` were not, and `rule` says why."""

    field: str
    said: str
    columns: tuple[str, ...]
    others: tuple[str, ...]
    rule: str = ""

    @property
    def message(self) -> str:
        """Which are read, by what rule, and what to do where another is meant."""
        is_one, rule = len(self.columns) == 1, f" {self.rule}." if self.rule and self.others else ""
        read = (
            f"la colonne {_named(self.columns)} est lue" if is_one else f"les colonnes {_named(self.columns)} sont lues"
        )
        more = "" if is_one else ", plusieurs sur une ligne comme plusieurs dans une cellule"
        are = "n’est pas lue" if len(self.others) == 1 else "ne sont pas lues"
        left = f" ; {_named(self.others)} {are}" if self.others else ""
        return f"{initial(self.said)} : {read}{more}{left}.{rule} Pour lire autrement, dites ce que sont les colonnes."

    def as_json(self) -> dict[str, object]:
        """The choice as JSON, under fixed names."""
        first, *further = self.columns
        told = {"field": self.field, "column": first, "further": further, "others": [*self.others]}
        return {**told, "message": self.message}


def _named(titles: Sequence[str]) -> str:
    return all_of([f"« {title} »" for title in titles])


@dataclass(slots=True, kw_only=True)
class ListReading:
    """How the file of a list was read (`label`), its columns, and its rejected rows.

    `columns_told` are the titles of those that are read, with what each holds where its title says something else.
    `set_aside_columns` are known and not read. `chosen` says which of several columns were read. `lines_aside` are the
    lines that are no rows. `mended` says of the first cells that were mended how they are read.
    """

    label: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    columns_told: Sequence[str] = ()
    set_aside_columns: tuple[str, ...] = ()
    unknown_columns: tuple[str, ...] = ()
    chosen: tuple[ChosenColumn, ...] = ()
    rejected: list[Rejection] = field(default_factory=list)
    mended: list[Rejection] = field(default_factory=list)
    mended_count: int = 0
    lines_aside: list[Rejection] = field(default_factory=list)

    def read(
        self, grid: Grid, headers: Headers, take: Callable[[Row], None], doubt: Callable[[Row], None] | None = None
    ) -> None:
        """Take row after row. One of which `take` raises RowFault is rejected, and told to `doubt`."""
        sheet = headers.sheet(grid)
        self.label, self.columns = grid.label, sheet.columns
        self.columns_told = [
            title if headers.named([title]) == [word] else f"{title} ({headers.fields[word].said})"
            for word, titles in sheet.titles.items()
            for title in titles
        ]
        self.set_aside_columns, self.unknown_columns = sheet.set_aside, sheet.unknown
        self.chosen = tuple(
            ChosenColumn(word, headers.fields[word].said, tuple(titles), tuple(others), headers.fields[word].rule)
            for word, titles in sheet.titles.items()
            if (others := grid.passed_over.get(word, ())) or len(titles) > 1
        )
        for row in sheet.rows:
            if row.is_note:
                said = RowFault("", f"« {row.cells['']} »").message
                self.lines_aside.append(Rejection(row.number, "", said))
                continue
            self._note(row)
            fault = RowFault("", row.fault) if row.fault else None
            try:
                if not fault:
                    take(row)
            except RowFault as raised:
                fault = raised
            if fault:
                self.reject(row.number, fault)
            if fault and doubt:
                doubt(row)

    def _note(self, row: Row) -> None:
        self.mended_count += len(row.before)
        for word, cell in row.before.items():
            if len(self.mended) < MOST_NOTED:
                text = row.cells[word]
                said = f"« {cell} » est lu « {text} »." if text else f"« {cell} » est laissé de côté."
                said = said if cell else f"Vide, lu « {text} » comme au-dessus."
                self.mended.append(Rejection(row.number, self.columns[word], RowFault(word, said).message))

    def reject(self, number: int, fault: RowFault) -> None:
        """Reject a row."""
        self.rejected.append(Rejection(number, self.columns.get(fault.column, ""), fault.message, fault.column))


@dataclass(slots=True, kw_only=True)
class ListPlan(ListReading, ABC):
    """What a list would do. `waiting` is what a person has not confirmed: nothing is done for it."""

    waiting: Sequence[object] = ()

    @property
    def left_out(self) -> Sequence[Rejection]:
        """The rows that applying it leaves out, each with a sentence."""
        return self.rejected

    @property
    @abstractmethod
    def nothing(self) -> str:
        """Why there is nothing to apply, in French; '' when there is something."""

    @property
    @abstractmethod
    def version(self) -> str:
        """A few signs: equal for plans that would do the same."""

    @abstractmethod
    def summary(self) -> Mapping[str, object]:
        """The counts and the rejected rows, as commands print them with `--json`."""

    def outcome(self) -> Mapping[str, object]:
        """What is stored with the applied list: counts, and the rows left out as `rejected`."""
        return self.summary()


def nothing_new(unchanged: int) -> str:
    """Why a list changes nothing, in French, where it states so much that is known."""
    why = "la liste ne dit rien de nouveau" if unchanged else "aucune ligne ne peut être lue"
    return f"Rien à enregistrer : {why}."
