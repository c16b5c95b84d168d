"""Columns and listings: one list of columns drives a table's page, its files and its JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Flag, StrEnum
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Result,
    ScalarResult,
    Select,
    UnaryExpression,
    case,
    desc,
    func,
    literal,
    nulls_first,
    nulls_last,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql import operators

from outreach.core.db import Session
from outreach.core.tables._writing import Cell, Table
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import InputError
from outreach.core.text.typed import folded

PAGE_ROWS = 50
FEW_ROWS = 20  # on a page of a list whose rows are five lines high on a phone
MOST_COUNTED = 10_000  # rows that a page counts unless it is asked for all: beyond, counting costs more than the page
BATCH = 500  # rows that a file reads at a time: it never holds all of them as objects
NOBODY: Mapping[str, str] = {}
Row = TypeVar("Row")
Expression = ColumnElement[Any] | InstrumentedAttribute[Any]
Rows = Select[*tuple[Any, ...]]


class Kind(StrEnum):
    """What a column holds. A PERSON is an account's address, which pages and files show as its name.

    A MOMENT is in files to the minute in Brussels, an INSTANT to the second with its offset (ISO 8601).
    """

    TEXT = "text"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    INSTANT = "instant"
    PERSON = "person"

    @property
    def is_largest_first(self) -> bool:
        """Whether a reader who sorts by it wants the largest or the latest first."""
        return self not in {Kind.TEXT, Kind.PERSON}


class Total(NamedTuple):
    """How many rows there are; with `is_more`, more than that."""

    number: int
    is_more: bool = False

    @classmethod
    def of(cls, counted: int, most: int | None) -> "Total":
        """What a count says that stopped one beyond `most`; None where it counted all."""
        return cls(counted) if most is None or counted <= most else cls(most, is_more=True)


class On(Flag):
    """Where a column stands."""

    PAGE = 1
    FILE = 2
    JSON = 4


DATA = On.FILE | On.JSON
EVERYWHERE = On.PAGE | DATA


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column: its key in an address and in JSON, its French header, and its value in a row.

    A value is a text, a number, a day, a moment, a member of an enumeration with a `label`, several of these, or None.
    `sort` is an expression to order by, or the label of one in the query; in a listing held in memory, True orders by
    the value. `unit` follows the header in files.
    """

    key: str
    header: str
    value: Callable[[Row], Any]
    kind: Kind = Kind.TEXT
    sort: Any = None
    on: On = EVERYWHERE
    unit: str = ""

    @property
    def full_header(self) -> str:
        """The header as files have it."""
        return f"{self.header} ({self.unit})" if self.unit else self.header

    def cell(self, row: Row, names: Mapping[str, str] = NOBODY) -> Cell:
        """The value as a cell of a file. `names` are those of persons, by address."""
        value = self.value(row)
        if self.kind is Kind.PERSON:
            return names[value] if value else ""
        if self.kind is Kind.INSTANT and value:
            return str(value.astimezone(BRUSSELS).isoformat(timespec="seconds"))
        return _cell(value)

    def text(self, row: Row, names: Mapping[str, str] = NOBODY) -> str:
        """The value as a page says it, where the page has nothing more to show; a dash for none."""
        value = self.value(row)
        match value:
            case int() | float() if not isinstance(value, bool):
                return french.number(value)
            case datetime():
                return french.moment(value)
            case date():
                return french.day(value)
        return str(self.cell(row, names)) or "–"


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[Row]):
    """The rows of a table: counted, a page of them, every one, and the keys of the authorities they are about.

    `sort` is the key of a column, after a minus sign for the largest first; '' is the usual order, which `usual` names
    where a column has it. Raises InputError for a sort that no column has.
    """

    title: str
    columns: Sequence[Column[Row]]
    sort: str = ""
    usual: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown order."""
        if self.sort and self.sorted_by is None:
            raise InputError("Cette liste n’a pas cet ordre : choisissez l’en-tête d’une de ses colonnes.")

    @property
    def sorted_by(self) -> Column[Row] | None:
        """The column that `sort` names."""
        key = self.sort.removeprefix("-")
        return next((column for column in self.columns if column.key == key and column.sort is not None), None)

    def count(self) -> int:
        """How many rows all pages hold."""
        raise NotImplementedError

    def total(self, most: int | None = None) -> Total:
        """How many rows all pages hold. It need not be known beyond `most`."""
        del most
        return Total(self.count())

    def page(self, number: int, size: int = PAGE_ROWS, total: int | None = None) -> Sequence[Row]:
        """The rows of a page, from page 1. `total` is the number of all rows, where it is known."""
        raise NotImplementedError

    def every(self) -> Iterator[Row]:
        """Every row, in the order of the pages, while the session is open."""
        raise NotImplementedError

    def keys(self) -> list[int]:
        """The keys of the authorities that the rows are about, each once."""
        raise NotImplementedError

    def total_keys(self, most: int | None = None) -> Total:
        """How many authorities the rows are about. It need not be known beyond `most`."""
        del most
        return Total(len(self.keys()))

    def totals(self, most: int | None = None) -> tuple[Total, Total]:
        """`total` and `total_keys`."""
        return self.total(most), self.total_keys(most)

    def direction(self, column: Column[Row]) -> str:
        """How the rows are ordered by a column, as `aria-sort` says it; '' where they are not."""
        current = self.sort or self.usual
        return {column.key: "ascending", f"-{column.key}": "descending"}.get(current, "")

    def next_sort(self, column: Column[Row]) -> str:
        """The order that the header of a column asks for: the other direction, once it has one."""
        direction = self.direction(column)
        is_descending = direction == "ascending" if direction else column.kind.is_largest_first
        return f"-{column.key}" if is_descending else column.key

    def on(self, place: On) -> list[Column[Row]]:
        """The columns of a place."""
        return [column for column in self.columns if place in column.on]

    def table(self, names: Mapping[str, str] = NOBODY) -> Table:
        """Every row, for a file. It is read as the file is written, while the session is open."""
        columns = self.on(On.FILE)
        rows = ([column.cell(row, names) for column in columns] for row in self.every())
        return Table(self.title, [column.full_header for column in columns], rows)

    def objects(self) -> list[dict[str, Any]]:
        """Every row, for JSON, under the keys of the columns."""
        return [self.object(row) for row in self.every()]

    def object(self, row: Row) -> dict[str, Any]:
        """One row, for JSON."""
        return {column.key: _plain(column.value(row)) for column in self.on(On.JSON)}


@dataclass(frozen=True, kw_only=True)
class QueryListing(Listing[Row]):
    """A listing that the database counts, sorts and cuts.

    `query` has no order. `order` is the usual one; its last expression is unique, so that a row is on one page only.
    `key` is the authority's key. `options` say what else is loaded. `made` turns rows of the query into those of the
    listing, a batch at a time; `filled` does so with what only files and JSON need. `most` is how many rows `every` has
    at most. `numbered` is a number of its own that the query has for each row, and finds it in a row: programs read
    listings by it.
    """

    session: Session
    query: Rows
    order: Sequence[Expression]
    key: Expression | None = None
    options: Sequence[ORMOption] = ()
    made: Callable[[Sequence[Any]], Sequence[Row]] = lambda rows: rows
    filled: Callable[[Sequence[Any]], Sequence[Row]] | None = None
    most: int | None = None
    numbered: tuple[Expression, Callable[[Row], int]] | None = None

    def count(self) -> int:
        """One statement."""
        return self._counted(self.query)

    def total(self, most: int | None = None) -> Total:
        """One statement, which stops one row beyond `most`."""
        return Total.of(self._counted(self.query, most), most)

    def page(self, number: int, size: int = PAGE_ROWS, total: int | None = None) -> Sequence[Row]:
        """One statement, and those of `options` and `made`. Where more rows stand before the page than after it, it is
        read from the end, in the reversed order: the last page costs as much as the first.
        """
        before, after = (number - 1) * size, 0 if total is None else max(total - number * size, 0)
        if total is None or before <= after:
            return self.made(self._rows(self.session.execute(self._ordered().limit(size).offset(before))).all())
        query = self._ordered(is_reversed=True).limit(min(size, total - before)).offset(after)
        return self.made(self._rows(self.session.execute(query)).all()[::-1])

    def every(self) -> Iterator[Row]:
        """One statement, read in batches."""
        query = self._ordered().limit(self.most).execution_options(yield_per=BATCH)
        for batch in self._rows(self.session.execute(query)).partitions():
            yield from (self.filled or self.made)(batch)

    def following(self, after: int, size: int) -> tuple[Sequence[Row], int | None]:
        """At most `size` rows of a listing that is `numbered`, after a number, and the last one's where more follow."""
        assert self.numbered is not None, self.title  # noqa: S101
        number, of = self.numbered
        # PostgreSQL takes no number for a column's own type that is beyond it, such as one that somebody made up.
        is_after = number > literal(after, BigInteger)
        query = self.query.options(*self.options).where(is_after).order_by(number).limit(size + 1)
        found = self._rows(self.session.execute(query)).all()
        rows = (self.filled or self.made)(found[:size])
        return rows, of(rows[-1]) if len(found) > size else None

    def keys(self) -> list[int]:
        """One statement."""
        if self.key is None:
            return []
        query = self.query.with_only_columns(self.key)
        return list(self.session.scalars(query.distinct()))

    def total_keys(self, most: int | None = None) -> Total:
        """One statement, which stops one beyond `most`."""
        if self.key is None:
            return Total(0)
        return Total.of(self._counted(self.query.with_only_columns(self.key).distinct(), most), most)

    def totals(self, most: int | None = None) -> tuple[Total, Total]:
        """One statement, and a second one where there are more rows than `most`."""
        if self.key is None:
            return super().totals(most)
        query = self.query.add_columns(self.key.label("counted_key"))
        counted = (query if most is None else query.limit(most + 1)).subquery()
        each_once = func.count(counted.c.counted_key.distinct())
        rows, keys = self.session.execute(select(func.count(), each_once).select_from(counted)).one()
        total = Total.of(rows, most)
        return total, self.total_keys(most) if total.is_more else Total(keys)

    def _counted(self, query: Rows, most: int | None = None) -> int:
        some = query if most is None else query.limit(most + 1)
        return self.session.scalar(select(func.count()).select_from(some.subquery())) or 0

    def _ordered(self, *, is_reversed: bool = False) -> Rows:
        query, column = self.query.options(*self.options), self.sorted_by
        order = [_turned(each) for each in self.order] if is_reversed else self.order
        if column is None:
            return query.order_by(*order)
        first = desc(column.sort) if self.sort.startswith("-") is not is_reversed else column.sort
        return query.order_by(nulls_first(first) if is_reversed else nulls_last(first), *order)

    def _rows(self, result: Result[Any]) -> Result[Any] | ScalarResult[Any]:
        return result.scalars() if len(self.query.column_descriptions) == 1 else result


@dataclass(frozen=True, kw_only=True)
class InMemoryListing(Listing[Row]):
    """A listing of rows that are computed, and so in memory already, in their usual order.

    `key` gives the authority's key of a row. `text` keeps the rows whose file has all its words, in any case, with
    accents or without; `names` are those of persons, by address.
    """

    rows: Sequence[Row]
    key: Callable[[Row], int] | None = None
    text: str = ""
    names: Mapping[str, str] = field(default_factory=dict)

    def count(self) -> int:
        """How many there are."""
        return len(self._found)

    def page(self, number: int, size: int = PAGE_ROWS, total: int | None = None) -> Sequence[Row]:
        """A slice of them."""
        del total
        return self._sorted()[(number - 1) * size : number * size]

    def every(self) -> Iterator[Row]:
        """All of them."""
        return iter(self._sorted())

    def keys(self) -> list[int]:
        """Their keys."""
        return list(dict.fromkeys(map(self.key, self._found))) if self.key else []

    @cached_property
    def _found(self) -> Sequence[Row]:
        words, columns = folded(self.text).split(), self.on(On.FILE)
        if not words:
            return self.rows
        told = (folded(" ".join(str(column.cell(row, self.names)) for column in columns)) for row in self.rows)
        return [row for row, said in zip(self.rows, told, strict=True) if all(word in said for word in words)]

    def _sorted(self) -> Sequence[Row]:
        if (column := self.sorted_by) is None:
            return self._found
        valued: list[tuple[Any, Row]] = [(_comparable(column.value(row)), row) for row in self._found]
        known = [pair for pair in valued if pair[0] is not None]
        known.sort(key=lambda pair: pair[0], reverse=self.sort.startswith("-"))
        return [row for _, row in (*known, *(pair for pair in valued if pair[0] is None))]


def _turned(expression: Expression) -> ColumnElement[Any]:
    """The other direction of an expression to order by: each database puts NULL at the other end, too."""
    if isinstance(expression, UnaryExpression) and expression.modifier is operators.desc_op:
        turned: ColumnElement[Any] = expression.element
        return turned
    return expression.desc()


def by_label(expression: Expression, members: type[StrEnum]) -> ColumnElement[int]:
    """An order for a column of an enumeration: the French labels, alphabetically."""
    by_words = sorted(members, key=lambda member: folded(member.label))  # type: ignore[attr-defined]
    return case(*((expression == member, place) for place, member in enumerate(by_words)))


def _cell(value: object) -> Cell:
    cell: Cell
    match value:
        case bool():
            cell = "oui" if value else "non"
        case datetime():
            cell = f"{value.astimezone(BRUSSELS):%Y-%m-%d %H:%M}"
        case date():
            cell = value.isoformat()
        case StrEnum():
            cell = str(getattr(value, "label", value.value))
        case (one,):
            cell = _cell(one)
        case list() | tuple():
            cell = ", ".join(str(_cell(one)) for one in value)
        case str() | int() | float():
            cell = value
        case _:
            cell = "" if value is None else str(value)
    return cell


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case StrEnum():
            return value.value
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def _comparable(value: object) -> object:
    """A value by which rows in memory are sorted as readers expect: accents and case do not count; None for nothing."""
    if value is None or value == "":
        return None
    words = getattr(value, "label", value)
    return folded(words) if isinstance(words, str) else value
