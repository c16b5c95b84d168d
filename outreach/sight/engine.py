"""The engine of scoped sessions: connections of its own, on which views stand before every table.

`sighted(database, sight)` is what to call. Nothing writes there: what a scoped account proposes is written by named
functions on the ordinary connection, which read their target through the scope first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from threading import Lock
from typing import Any, Self
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from outreach.db import Database, Session
from outreach.db.estimates import SIGHT
from outreach.sight import role, views
from outreach.sight.guard import FUNCTIONS, Authorizer, Unguarded, guard
from outreach.sight.scopes import Sight

# What is kept with a connection.
READY, ASKS, SCHEMA, CALLS = "sight_ready", "sight_asks", "sight_schema", "sight_calls"
MOST_FOUND = 50  # sights whose keys a process remembers
_kept: WeakKeyDictionary[Engine, "Sighted"] = WeakKeyDictionary()
_turns = Lock()


def sighted(database: Database, sight: Sight) -> Database:
    """The same database as this sight has it: each of its readings sees what is in scope, and no more.

    The keys of the scope are those of each reading's own state of the data.
    """
    with _turns:
        if (opened := _kept.get(database.engine)) is None:
            opened = _kept[database.engine] = Sighted(database)
            database.before_dispose(opened.dispose)
    return opened.of(sight)


class Sighted(Database):
    """A database whose sessions see what is in scope. Without a sight they see no row of a scoped table."""

    def __init__(self, whole: Database) -> None:
        super().__init__(whole.engine.url.render_as_string(hide_password=False), whole.info)
        self.watch, self.faults = whole.watch, whole.faults
        is_postgresql = self.engine.dialect.name == "postgresql"
        self.role = str(whole.info.get(role.INFO, "")) if is_postgresql else ""
        self._found: dict[Sight, tuple[tuple[object, ...], dict[str, list[object]]]] = {}
        if self.engine.dialect.name == "sqlite":
            # Keys are written within the transaction, so `query_only` stays off; the guard refuses what writes.
            self._reader = self.engine.execution_options(outreach_begin="BEGIN DEFERRED", outreach_reads=True)
        elif self.watch is not None:
            from outreach.db import silence  # noqa: PLC0415 - for web processes on PostgreSQL: it loads the driver

            silence.install(self.engine, self.watch)
        event.listen(self.engine, "connect", self._make_ready)
        event.listen(self.engine, "begin", self._fill)
        event.listen(self.engine, "before_cursor_execute", _guard)
        event.listen(self.engine, "checkin", _empty)

    def of(self, sight: Sight) -> Self:
        """This database, as a sight has it. All sights share the connections."""
        same = copy(self)
        same._reader = self._reader.execution_options(**{SIGHT: sight})  # noqa: SLF001 - a copy of our own
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
        """Give a transaction that begins the keys of its sight, and none of the one before."""
        sight: Sight | None = connection.get_execution_options().get(SIGHT)
        _open(connection.info, opens=True)
        try:
            for statement in views.emptied():
                connection.exec_driver_sql(statement)
            if sight is not None:
                self._find(connection, sight)
            if self.role:
                connection.exec_driver_sql(role.taken(self.role))
        finally:
            _open(connection.info, opens=False)

    def _find(self, connection: Connection, sight: Sight) -> None:
        """Fill the tables of keys; with those found before, where nothing has changed that they are found by.

        Finding the keys of some thousand schools takes more than a small page, putting them back a fifth of that.
        """
        dialect, schema = connection.dialect, connection.info[SCHEMA]
        stamp = tuple(connection.exec_driver_sql(views.stamp(dialect, schema)).one())
        before, keys = self._found.get(sight, ((), {}))
        if before == stamp:
            for name, values in keys.items():
                given = orjson.dumps(values).decode() if dialect.name == "sqlite" else values
                connection.exec_driver_sql(views.again(name, dialect), (given,))
            return
        for statement, parameters in views.filled(sight, dialect, schema):
            connection.exec_driver_sql(statement, parameters)
        found = {name: list(connection.exec_driver_sql(query).scalars()) for name, query in views.read()}
        if len(self._found) >= MOST_FOUND:
            self._found.clear()
        self._found[sight] = stamp, found

    def _make_ready(self, connection: Any, record: Any) -> None:
        dialect, schema, calls = self.engine.dialect, "main", frozenset[str]()
        if dialect.name == "sqlite":
            record.info["query_only"] = "OFF"  # as it is
            record.info[ASKS] = Authorizer()
            connection.set_authorizer(record.info[ASKS])
        else:
            (schema,) = connection.execute("SELECT quote_ident(current_schema())").fetchone()
            calls = frozenset(name for (name,) in connection.execute(views.CALLED_BY_A_DOT)) - views.columns()
            # It expects far more rows than a sight has, and compiles thousands of expressions: half a minute for one
            # statement about an audience that then takes a quarter of a second.
            connection.execute("SET jit = off")
        for statement in views.made(dialect, schema):
            connection.execute(statement)
        if self.role:
            connection.execute(role.granted(self.role))
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
    for statement in views.emptied():
        connection.execute(statement)
    _open(record.info, opens=False)
