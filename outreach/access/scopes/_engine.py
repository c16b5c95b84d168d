"""Scoped sessions: connections of their own, a guard before each statement, a role of PostgreSQL behind it.

It reads each statement sign by sign, and lets through what it knows: functions by their names, as some take a
statement as a text. On PostgreSQL a role without rights on the tables stands behind it (`examine_role`), on SQLite an
authorizer.

The guard reads statements as we think PostgreSQL does. Where it misreads one, this role may read the views alone: they
are made by the owner of the tables before, and read with the owner's rights. That no statement leaves the role is up to
the guard: the session's own login owns the tables.

`scoped_database` is what to call. Nothing writes there: what a scoped account proposes is written by named
functions on the ordinary connection, which read their target through the scope first.
"""

import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.engine import Connection

from outreach.access.scopes import _policy as policy
from outreach.access.scopes._policy import KEYS, TABLES, AccessScope
from outreach.core.db import Database, Session
from outreach.core.db.bulk import SCOPE
from outreach.core.text.errors import Refused

if TYPE_CHECKING:
    from outreach.core.settings import Settings


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


INFO = "sight_role"
MISSING = "Le rôle {role} n’existe pas, ou le rôle du service ne peut pas le prendre : {lines}"
HAS_RIGHTS = "Le rôle {role} peut lire {tables} sans passer par les vues : retirez-lui ces droits (REVOKE)."
LINES = "demandez CREATE ROLE {role} NOLOGIN et GRANT {role} TO {ours} (docs/install.md)."
FOUND = text("SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = :role")
READABLE = text(
    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')"
    " AND relnamespace = current_schema()::regnamespace"
    " AND has_any_column_privilege(CAST(:role AS name), oid, 'SELECT') ORDER BY relname"
)


def info_of(settings: "Settings") -> dict[str, object]:
    """The role that a database carries for its scoped connections."""
    return {INFO: settings.sight_role} if settings.sight_role else {}


def granted(role: str) -> str:
    """The statement that lets the role read the views of a connection."""
    named = ", ".join(f"pg_temp.{name}" for name in policy.names())
    return f"GRANT SELECT ON {named} TO {quoted(role)}"


def taken(role: str) -> str:
    """The statement by which a transaction goes on as this role, to its end."""
    return f"SET LOCAL ROLE {quoted(role)}"


def quoted(role: str) -> str:
    """A role's name as PostgreSQL reads it. The settings take no other signs than letters, digits and underscores."""
    return f'"{role}"'


def examine_role(session: Session, role: str) -> None:
    """Raise Refused, with what to do, where this role cannot be taken, or may read what it should not."""
    if not session.scalar(FOUND, {"role": role}):
        ours = session.scalar(select(func.current_user()))
        raise Refused(MISSING.format(role=role, lines=LINES.format(role=role, ours=ours)))
    if readable := session.scalars(READABLE, {"role": role}).all():
        shown = f"{readable[0]} et {len(readable) - 1} autres tables" if readable[1:] else readable[0]
        raise Refused(HAS_RIGHTS.format(role=role, tables=shown))


# What is kept with a connection.
READY, ASKS, SCHEMA, CALLS = "sight_ready", "sight_asks", "sight_schema", "sight_calls"
MOST_FOUND = 50  # scopes whose keys a process remembers
_kept: WeakKeyDictionary[Engine, "ScopedDatabase"] = WeakKeyDictionary()
_turns = Lock()


def scoped_database(database: Database, scope: AccessScope) -> Database:
    """The same database as this scope has it: each of its readings sees what is in scope, and no more.

    The keys of the scope are those of each reading's own state of the data.
    """
    with _turns:
        if (opened := _kept.get(database.engine)) is None:
            opened = _kept[database.engine] = ScopedDatabase(database)
            database.before_dispose(opened.dispose)
    return opened.of(scope)


class ScopedDatabase(Database):
    """A database whose sessions see what is in scope. Without a scope they see no row of a scoped table."""

    def __init__(self, whole: Database) -> None:
        super().__init__(whole.engine.url.render_as_string(hide_password=False), whole.info)
        self.watch, self.faults = whole.watch, whole.faults
        is_postgresql = self.engine.dialect.name == "postgresql"
        self.role = str(whole.info.get(INFO, "")) if is_postgresql else ""
        self._found: dict[AccessScope, tuple[tuple[object, ...], dict[str, list[object]]]] = {}
        if self.engine.dialect.name == "sqlite":
            # Keys are written within the transaction, so `query_only` stays off; the guard refuses what writes.
            self._reader = self.engine.execution_options(outreach_begin="BEGIN DEFERRED", outreach_reads=True)
        elif self.watch is not None:
            from outreach.core.db import silence  # noqa: PLC0415 - for web processes on PostgreSQL: it loads the driver

            silence.install(self.engine, self.watch)
        event.listen(self.engine, "connect", self._make_ready)
        event.listen(self.engine, "begin", self._fill)
        event.listen(self.engine, "before_cursor_execute", _guard)
        event.listen(self.engine, "checkin", _empty)

    def of(self, scope: AccessScope) -> Self:
        """This database, as a scope has it. All scopes share the connections."""
        same = copy(self)
        same._reader = self._reader.execution_options(**{SCOPE: scope})  # noqa: SLF001 - a copy of our own
        return same

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Raises Unguarded: a scope only reads."""
        raise Unguarded("a scoped session only reads")
        yield  # type: ignore[unreachable]

    def connect(self) -> Connection:
        """Raises Unguarded: a scope only reads."""
        raise Unguarded("a scoped session only reads")

    def _fill(self, connection: Connection) -> None:
        """Give a transaction that begins the keys of its scope, and none of the one before."""
        scope: AccessScope | None = connection.get_execution_options().get(SCOPE)
        _open(connection.info, opens=True)
        try:
            for statement in policy.emptied():
                connection.exec_driver_sql(statement)
            if scope is not None:
                self._find(connection, scope)
            if self.role:
                connection.exec_driver_sql(taken(self.role))
        finally:
            _open(connection.info, opens=False)

    def _find(self, connection: Connection, scope: AccessScope) -> None:
        """Fill the tables of keys; with those found before, where nothing has changed that they are found by.

        Finding the keys of some thousand schools takes more than a small page, putting them back a fifth of that.
        """
        dialect, schema = connection.dialect, connection.info[SCHEMA]
        stamp = tuple(connection.exec_driver_sql(policy.stamp(dialect, schema)).one())
        before, keys = self._found.get(scope, ((), {}))
        if before == stamp:
            for name, values in keys.items():
                given = orjson.dumps(values).decode() if dialect.name == "sqlite" else values
                connection.exec_driver_sql(policy.again(name, dialect), (given,))
            return
        for statement, parameters in policy.filled(scope, dialect, schema):
            connection.exec_driver_sql(statement, parameters)
        found = {name: list(connection.exec_driver_sql(query).scalars()) for name, query in policy.read()}
        if len(self._found) >= MOST_FOUND:
            self._found.clear()
        self._found[scope] = stamp, found

    def _make_ready(self, connection: Any, record: Any) -> None:
        dialect, schema, calls = self.engine.dialect, "main", frozenset[str]()
        if dialect.name == "sqlite":
            record.info["query_only"] = "OFF"  # as it is
            record.info[ASKS] = Authorizer()
            connection.set_authorizer(record.info[ASKS])
        else:
            (schema,) = connection.execute("SELECT quote_ident(current_schema())").fetchone()
            calls = frozenset(name for (name,) in connection.execute(policy.CALLED_BY_A_DOT)) - policy.columns()
            # It expects far more rows than a scope has, and compiles thousands of expressions: half a minute for one
            # statement about an audience that then takes a quarter of a second.
            connection.execute("SET jit = off")
        for statement in policy.made(dialect, schema):
            connection.execute(statement)
        if self.role:
            connection.execute(granted(self.role))
        connection.commit()
        record.info[SCHEMA], record.info[CALLS] = schema, calls - FUNCTIONS
        _open(record.info, opens=False)


def _open(info: dict[str, Any], *, opens: bool) -> None:
    """Let the statements of this module pass, or no longer."""
    info[READY] = not opens
    if ASKS in info:
        info[ASKS].opens = opens


def _guard(connection: Connection, _cursor: Any, statement: str, *_details: Any) -> None:
    if connection.info.get(READY):
        guard(statement, connection.info[SCHEMA], connection.info[CALLS])


def _empty(connection: Any, record: Any) -> None:
    """Leave no keys in a connection that rests. PostgreSQL empties them as the transaction ends."""
    if connection is None or ASKS not in record.info:
        return
    _open(record.info, opens=True)
    for statement in policy.emptied():
        connection.execute(statement)
    _open(record.info, opens=False)
