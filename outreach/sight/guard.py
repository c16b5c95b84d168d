"""The guard of scoped sessions: it lets statements pass that read what is seen, and refuses what goes round the views.

It reads each statement sign by sign, and lets through what it knows: functions by their names, as some take a
statement as a text. On PostgreSQL a role without rights on the tables stands behind it (`sight/role.py`), on SQLite an
authorizer.
"""

import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from outreach.sight.declared import KEYS, TABLES

OURS = re.compile(r"BEGIN DEFERRED|SET LOCAL (?:statement_timeout = \d{1,9}|enable_nestloop = off)", re.ASCII)
# What is none of these is refused: comments, semicolons, dollars, backticks, backslashes. No letter stands before a
# string or a quoted name: `E'…'`, `U&"…"` mean something else than what is written.
SIGN = re.compile(
    r"(?P<space>\s+)|(?P<refused>--|/\*)|'(?P<string>(?:[^'\\]|'')*+)'|\"(?P<quoted>(?:[^\"]|\"\")*+)\""
    r"|(?P<number>\d[\d.]*+)|(?P<given>%\(\w+\)s|%s|%%|[?:]\w*+)|(?P<word>[^\W\d]\w*+)(?!&?['\"])"
    r"|(?P<sign>[-+*/<>=(),.\[\]~@&|#^!%:])"
)
BEGINS = {"select", "with"}
WRITES = {
    *("insert", "update", "delete", "merge", "into", "discard", "copy", "attach", "detach", "vacuum", "pragma"),
    *(
        "create",
        "drop",
        "alter",
        "truncate",
        "lock",
        "grant",
        "revoke",
        "call",
        "execute",
        "prepare",
        "listen",
        "notify",
    ),
    *("role", "set", "reset", "begin", "commit", "rollback", "savepoint"),
}
SCHEMAS = {"main", "temp", "public", "information_schema", "pg_temp", "pg_catalog"}
OF_THE_SERVER = ("pg_", "sqlite_")  # begin names of its catalogue, of its functions and of its schemas
# What stands before a parenthesis and is no function.
SYNTAX = {
    *("all", "and", "any", "array", "as", "between", "by", "case", "char", "decimal", "distinct", "else", "except"),
    *("exists", "filter", "float", "from", "having", "ilike", "in", "intersect", "interval", "is", "join", "lateral"),
    *("like", "limit", "materialized", "not", "numeric", "offset", "on", "or", "over", "recursive", "row", "select"),
    *("some", "then", "timestamp", "union", "using", "values", "varchar", "when", "where", "with", "escape"),
}
FUNCTIONS = {  # none of them reads anything but what it is given
    *(
        "abs",
        "cast",
        "coalesce",
        "count",
        "current_setting",
        "date",
        "datetime",
        "extract",
        "json_each",
        "json_extract",
    ),
    *(
        "json_to_recordset",
        "lag",
        "lead",
        "length",
        "lower",
        "max",
        "min",
        "nullif",
        "octet_length",
        "replace",
        "round",
    ),
    *("row_number", "strftime", "substr", "substring", "sum", "timezone", "trim", "unnest", "upper"),
}
MOST_KNOWN = 2000
ROWS_OF_LIST = "json_each"  # by which SQLite takes many keys as one parameter
PASS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})

_known: set[tuple[str, str]] = set()


class Unguarded(RuntimeError):
    """A statement would see more than its session may; nothing of it was executed."""


class Sign(NamedTuple):
    """A sign of a statement: a word or a name, in small letters, a string, another sign."""

    kind: str
    text: str

    @property
    def is_name(self) -> bool:
        """Whether it may name something."""
        return self.kind in {"word", "quoted"}


def guard(statement: str, schema: str = "", calls: Collection[str] = ()) -> None:
    """Let a statement pass, or raise Unguarded.

    `schema` is that of the tables. `calls` names the functions that PostgreSQL calls where one stands behind a dot, as
    in `x.ts_stat FROM unnest(…) AS x`, and none of our columns is called so.
    """
    if (schema, statement) in _known or OURS.fullmatch(statement):
        return
    signs = [*_signs(statement)]
    if not signs or signs[0].text not in BEGINS:
        raise Unguarded("a scoped session only reads")
    _refuse_words(signs)
    _refuse_places(signs, SCHEMAS | {schema.strip('"').lower()}, calls)
    _refuse_functions(signs)
    shadowed = {name for place in range(len(signs)) if (name := _part_at(signs, place))} & TABLES.keys()
    if shadowed:
        raise Unguarded(f"a part of the statement takes the name of {', '.join(sorted(shadowed))}")
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known.add((schema, statement))


def _signs(statement: str) -> Iterator[Sign]:
    place = 0
    while place < len(statement):
        found = SIGN.match(statement, place)
        if found is None or found["refused"]:
            raise Unguarded(f"a scoped session does not say {statement[place : place + 2]}")
        place = found.end()
        if found.lastgroup != "space":
            yield Sign(found.lastgroup or "", found[found.lastgroup or 0].lower())


def _refuse_words(signs: Sequence[Sign]) -> None:
    for sign in signs:
        is_around = sign.is_name and (sign.text.startswith(OF_THE_SERVER) or sign.text in KEYS)
        if is_around or (sign.kind == "word" and sign.text in WRITES):
            raise Unguarded(f"a scoped session does not say {sign.text}")


def _refuse_places(signs: Sequence[Sign], schemas: set[str], calls: Collection[str]) -> None:
    """Refuse a name of a schema, one of a function behind a dot, and what is no name beside a dot: SQLite takes
    'main'.'users' for names."""
    for before, after in pairwise(signs):
        if after.text == "." and (before.text in schemas or not before.is_name):
            raise Unguarded(f"a scoped session does not say {before.text}.")
        if before.text == "." and (after.text in calls or not (after.is_name or after.text == "*")):
            raise Unguarded(f"a scoped session does not say .{after.text}")


def _refuse_functions(signs: Sequence[Sign]) -> None:
    for place, (name, after) in enumerate(pairwise(signs)):
        if after.text != "(" or not name.is_name or name.text in FUNCTIONS:
            continue
        is_alias = place > 0 and signs[place - 1] == Sign("word", "as")
        is_syntax = name.kind == "word" and name.text in SYNTAX
        if not (is_alias or is_syntax or _is_part(signs, place)):
            raise Unguarded(f"a scoped session does not call {name.text}")


def _is_part(signs: Sequence[Sign], place: int) -> bool:
    """Whether a part of the statement is named here, with its columns: `name (a, b) AS (…)`."""
    end = next((at for at in range(place, len(signs)) if signs[at].text == ")"), len(signs))
    is_named = end + 1 < len(signs) and _part_at(signs, end + 1) == signs[place].text
    return is_named and _has_body(signs[end + 2 : end + 12])


def _has_body(after: Sequence[Sign]) -> bool:
    """Whether a query follows AS. PostgreSQL takes `AS materialized (a, b)` for an alias and its columns, none of which
    may be called `select` or `with`, as both words are reserved."""
    words = [sign for sign in after if sign not in {Sign("word", "not"), Sign("word", "materialized")}]
    if words[:1] != [Sign("sign", "(")]:
        return False
    query = next((sign for sign in words if sign != Sign("sign", "(")), None)
    return query in {Sign("word", "select"), Sign("word", "with")}


def _part_at(signs: Sequence[Sign], place: int) -> str:
    """The name that a part of the statement takes with the AS at this place, or ''."""
    after = [sign.text for sign in signs[place + 1 : place + 4]]
    while after and after[0] in {"not", "materialized"}:
        del after[0]
    if signs[place] != Sign("word", "as") or after[:1] != ["("] or place == 0:
        return ""
    first = place - 1
    if signs[first].text == ")":
        first = next((at for at in range(first, 0, -1) if signs[at].text == "("), 1) - 1
    return signs[first].text if signs[first].is_name else ""


class Authorizer:
    """SQLite asks it about every table that a statement reads, as it is prepared. `opens` lets everything pass, while
    the connection is being made ready."""

    def __init__(self) -> None:
        self.opens = True
        self._seen = TABLES.keys() | KEYS.keys()

    def __call__(self, action: int, first: str | None, second: str | None, place: str | None, by: str | None) -> int:
        """SQLite's question; `by` is the view that a table is read for, or None."""
        if self.opens:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            passes = self._reads(first, second, place, by)
        else:
            passes = action in PASS or (action == sqlite3.SQLITE_FUNCTION and second != "load_extension")
        return sqlite3.SQLITE_OK if passes else sqlite3.SQLITE_DENY

    def _reads(self, table: str | None, column: str | None, place: str | None, by: str | None) -> bool:
        if place != "main":  # a view, a table of keys, or a part of the statement; never the schema
            return not (table or "").startswith("sqlite_")
        # Without a column, rows are only counted, which SQLite does not say for whom; the guard has seen no `main.`.
        return by in self._seen or column == "" or table == ROWS_OF_LIST
