"""Pages of a long list: which one is asked for, and the addresses of the others."""

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Request


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
        asked = request.args.get("page", "1")
        number = min(max(int(asked), 1), last) if asked.isascii() and asked.isdecimal() and len(asked) < 8 else 1
        return cls(number, last, (number - 1) * size + 1 if total else 0, min(number * size, total), total)

    def numbers(self) -> list[int | None]:
        """The pages to link to; None stands for a gap."""
        near = {1, self.last, *range(self.number - 1, self.number + 2)}
        shown = sorted(number for number in near if 1 <= number <= self.last)
        found: list[int | None] = []
        for number in shown:
            if found and number - (found[-1] or 0) > 1:
                found.append(None)
            found.append(number)
        return found


def again(request: Request, **changes: object) -> str:
    """The address of the page of this request with other parameters; None removes one. Empty ones are left out."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name not in changes]
    kept += [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path
