"""Long lists: the page and filters in a query, and the addresses of other pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from flask import Request

from outreach.text import whole_number

Member = TypeVar("Member", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Pager:
    """Page `number` of `last`; a number out of range is brought back into it."""

    number: int
    last: int
    first_row: int
    last_row: int
    total: int

    @classmethod
    def of(cls, request: Request, total: int, size: int) -> "Pager":
        """The page a request asks for in its query string."""
        last = max(1, -(-total // size))
        asked = whole_number(request.args.get("page", "1"), digits=7) or 1
        number = min(asked, last)
        return cls(number, last, (number - 1) * size + 1 if total else 0, min(number * size, total), total)

    def numbers(self) -> list[int | None]:
        """The pages to link to; None stands for a gap."""
        near = {1, self.last, *range(self.number - 1, self.number + 2)}
        shown = sorted(number for number in near if 1 <= number <= self.last)
        links: list[int | None] = []
        for number in shown:
            if links and number - (links[-1] or 0) > 1:
                links.append(None)
            links.append(number)
        return links


def member(kind: type[Member], value: str | None) -> Member | None:
    """The member of an enumeration with this value, or None."""
    return kind(value) if value in set(kind) else None


def words(arguments: Mapping[str, str], name: str, longest: int) -> str:
    """The words of a query parameter on one line, cut at `longest` characters."""
    printable = "".join(character if character.isprintable() else " " for character in arguments.get(name, ""))
    return " ".join(printable.split())[:longest]


def again(request: Request, path: str = "", /, **changes: object) -> str:
    """The address of this request with other query parameters; None removes one. Empty ones are left out.

    `path` is the path of another page to which the parameters go.
    """
    path = path or request.path
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{path}?{urlencode(kept)}" if kept else path
