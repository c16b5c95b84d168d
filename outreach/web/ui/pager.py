"""Long lists: the page of a listing, filters in a query, and the addresses of other pages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from flask import Request

from outreach.core.tables import FEW_ROWS, MOST_COUNTED, NOBODY, PAGE_ROWS, Column, Listing, On, Row, Total
from outreach.core.text.french import plural
from outreach.core.text.typed import whole_number

Member = TypeVar("Member", bound=StrEnum)
LONGEST_SEARCH = 200
EXACT = "exact"  # the value of the parameter `count` that asks for all rows to be counted


@dataclass(frozen=True, slots=True)
class Pager:
    """Page `number` of `last`; a number out of range is brought back into it.

    With `is_more` there are more rows than `total`, and pages after `last`.
    """

    number: int
    last: int
    first_row: int
    last_row: int
    total: int
    is_more: bool = False

    @classmethod
    def of(cls, request: Request, total: int, size: int, *, is_more: bool = False) -> "Pager":
        """The page a request asks for in its query string."""
        last = max(1, -(-total // size))
        number = min(_page(request), last)
        first = (number - 1) * size + 1 if total else 0
        return cls(number, last, first, min(number * size, total), total, is_more)

    @property
    def has_next(self) -> bool:
        """Whether a page follows."""
        return self.number < self.last or self.is_more

    def rows(self, singular: str, several: str = "") -> str:
        """How many rows there are, in French, by what they are called."""
        return f"{'plus de ' if self.is_more else ''}{plural(self.total, singular, several)}"

    def numbers(self) -> list[int | None]:
        """The pages to link to; None stands for a gap."""
        near = {1, *range(self.number - 1, self.number + 2)} | (set() if self.is_more else {self.last})
        shown = sorted(number for number in near if 1 <= number <= self.last)
        links: list[int | None] = []
        for number in shown:
            if links and number - (links[-1] or 0) > 1:
                links.append(None)
            links.append(number)
        return [*links, None] if self.is_more else links


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """A page of a listing, as the macro `table` of `pages/_tables.html` shows it.

    `names` are those of persons, by address. `export`, `write` and `call` are the endpoints of its files, of a campaign
    to its authorities and of calls to them, '' where there are none; `arguments` are those of all. `authorities` says
    how many these are, and `call` is '' where they are more than may be called at once.
    `hidden` are the keys of columns that this page does not show.
    """

    listing: Listing[Row]
    pager: Pager
    rows: Sequence[Row]
    names: Mapping[str, str]
    export: str
    write: str
    call: str
    arguments: Mapping[str, Any]
    authorities: Total
    hidden: Collection[str]

    @classmethod
    def of(
        cls,
        request: Request,
        listing: Listing[Row],
        *,
        names: Mapping[str, str] = NOBODY,
        few: bool = False,
        export: str = "",
        write: str = "",
        call: str = "",
        most_called: int = 0,
        hidden: Collection[str] = (),
        total: Total | None = None,
        **arguments: Any,
    ) -> "Shown[Row]":
        """The page that a request asks for in its query string. The arguments of its own address are kept.

        It has as many rows as usual, or with `few` what suits rows that are high on a phone.

        `total` counts the rows, each of another authority where one writes to them, if that is known already.
        """
        names = names or getattr(listing, "names", NOBODY)
        size, most = FEW_ROWS if few else PAGE_ROWS, most_counted(request)
        if total is None:
            total, authorities = listing.totals(most) if write else (listing.total(most), Total(0))
        else:
            authorities = total
        count, is_more = total
        pager = Pager.of(request, count, size, is_more=is_more)
        rows = listing.page(pager.number, size, None if is_more else count) if count else ()
        arguments = {**(request.view_args or {}), **arguments}
        call = call if authorities.number <= most_called and not authorities.is_more else ""
        return cls(listing, pager, rows, names, export, write, call, arguments, authorities, hidden)

    @property
    def columns(self) -> list[Column[Row]]:
        """The columns of the page."""
        return [column for column in self.listing.on(On.PAGE) if column.key not in self.hidden]


def most_counted(request: Request) -> int | None:
    """How many rows of a list are counted at most; None where a request asks for all, or for a page beyond them, which
    costs as much."""
    is_exact = request.args.get("count") == EXACT or _page(request) * PAGE_ROWS > MOST_COUNTED
    return None if is_exact else MOST_COUNTED


def member(kind: type[Member], value: str | None) -> Member | None:
    """The member of an enumeration with this value, or None."""
    return kind(value) if value in set(kind) else None


def sorting(request: Request) -> str:
    """The order that a request asks a listing for: the key of a column, or ''."""
    return request.args.get("sort", "")


def sought(request: Request) -> str:
    """The words that a request searches a list for, or ''."""
    return words(request.args, "q", LONGEST_SEARCH)


def words(arguments: Mapping[str, str], name: str, longest: int) -> str:
    """The words of a query parameter on one line, cut at `longest` characters."""
    printable = "".join(character if character.isprintable() else " " for character in arguments.get(name, ""))
    return " ".join(printable.split())[:longest]


def again(request: Request, path: str = "", /, **changes: object) -> str:
    """The address of this request with other query parameters; None removes one. Empty ones are left out.

    `path` is the address of another page to which the parameters go, beside those that it has itself.
    """
    path, _, own = (path or request.path).partition("?")
    changes = {**dict(parse_qsl(own)), **changes}
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{path}?{urlencode(kept)}" if kept else path


def _page(request: Request) -> int:
    """The number of the page that a request asks for."""
    return whole_number(request.args.get("page", "1"), digits=7) or 1
