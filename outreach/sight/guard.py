"""The guard of scoped sessions: it lets statements pass that read what is seen, and refuses what goes round the views.

It guards against our own mistakes. Against hostile SQL only the rights of a database user would help.
"""

import re
import sqlite3

from outreach.sight.declared import KEYS, TABLES

BEGINS = re.compile(r"\s{0,100}(?:SELECT|WITH)\b", re.IGNORECASE)
OURS = re.compile(r"BEGIN DEFERRED|SET LOCAL (?:statement_timeout = \d{1,9}|enable_nestloop = off)", re.ASCII)
AROUND = re.compile(
    r"\b(?:main|public|temp|pg_temp|information_schema)\"?\s{0,9}\.|\bpg_|\bsqlite_|\bsearch_path\b|\bset_config\b"
    r"|\b(?:INSERT|UPDATE|DELETE|DISCARD|COPY|ATTACH|VACUUM|PRAGMA|CREATE|DROP|ALTER)\b|\bROLE\b|;"
    r"|\bsight_(?:authorities|schools|federations|levels)\b",
    re.IGNORECASE,
)
WRITTEN = re.compile(r"'(?:[^']|''){0,10000}'")
NAMED = re.compile(
    r"\"?(\w{1,80})\"?\s{0,9}(?:\([^()]{0,2000}\)\s{0,9})?AS\s{1,9}(?:NOT\s{1,9})?(?:MATERIALIZED\s{1,9})?\("
)
MOST_KNOWN = 2000
ROWS_OF_LIST = "json_each"  # by which SQLite takes many keys as one parameter
PASS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})

_known: set[str] = set()


class Unguarded(RuntimeError):
    """A statement would see more than its session may; nothing of it was executed."""


def guard(statement: str) -> None:
    """Let a statement pass, or raise Unguarded."""
    if statement in _known or OURS.fullmatch(statement):
        return
    plain = WRITTEN.sub("''", statement)
    if not BEGINS.match(plain):
        raise Unguarded("a scoped session only reads")
    if found := AROUND.search(plain):
        raise Unguarded(f"a scoped session does not say {found[0]}")
    shadowed = {name.lower() for name in NAMED.findall(plain)} & TABLES.keys()
    if shadowed:
        raise Unguarded(f"a part of the statement takes the name of {', '.join(sorted(shadowed))}")
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known.add(statement)


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
