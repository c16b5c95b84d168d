"""Statements of a sending round, prepared once, and a connection kept between its small transactions.

SQLAlchemy's usual path from a statement to the driver costs, for some dozens of rows, as much as the database itself.
Here that cost is paid once. Transactions and errors stay SQLAlchemy's; results are the driver's raw values.
"""

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from operator import itemgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import JSON, CursorResult, Dialect, Executable, TableValuedAlias, Text, bindparam, cast, column, func
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine

from outreach.core.db import Database, Session
from outreach.core.text.logs import told

Parameters = Mapping[str, Any]


class _Compiled:
    """A statement compiled for one kind of database; it converts parameters to what the driver takes."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        written = compiled.construct_expanded_state(compiled.params)
        self.text, self.order = written.statement, written.positiontup or ()
        kinds = {name: bound.type.dialect_impl(dialect) for name, bound in compiled.binds.items()}
        into = {name: kind.bind_processor(dialect) for name, kind in kinds.items()} | dict(written.processors)
        self._into = {name: change for name, change in into.items() if change}
        wanted = {name for name, bound in compiled.binds.items() if bound.required}
        self._fixed: dict[str, Any] = {}
        self._fixed = self.values({name: value for name, value in written.parameters.items() if name not in wanted})

    def values(self, given: Parameters) -> dict[str, Any]:
        """These values converted for the driver, together with those fixed in the statement."""
        into, values = self._into, dict(self._fixed)
        for name, value in given.items():
            values[name] = into[name](value) if name in into else value
        return values

    def parameters(self, given: Parameters) -> tuple[Any, ...] | dict[str, Any]:
        """The parameters of one execution: a tuple where the driver takes them by position, else a dictionary."""
        values = self.values(given)
        return tuple([values[name] for name in self.order]) if self.order else values


class _Kept:
    """A statement, compiled for each kind of database on its first use there."""

    def __init__(self, made_for: Callable[[Dialect], Executable]) -> None:
        self._made_for = made_for
        self._compiled: dict[str, _Compiled] = {}

    def on(self, dialect: Dialect) -> _Compiled:
        """The statement compiled for this kind of database."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled(self._made_for(dialect), dialect)
        return compiled


class Prepared:
    """A statement with named parameters, executed with values for them.

    Results are the driver's raw values: an enumeration as its value, a time unconverted.
    """

    def __init__(self, statement: Executable) -> None:
        self._kept = _Kept(lambda _dialect: statement)

    def keys(self, session: Session, given: Parameters) -> list[int]:
        """Execute it; returns the first value of each row."""
        return [row[0] for row in self._execute(session, given)]

    def change(self, session: Session, given: Parameters) -> int:
        """Execute it; returns how many rows it changed."""
        return self._execute(session, given).rowcount

    def _execute(self, session: Session, given: Parameters) -> CursorResult[Any]:
        connection = session.connection()
        compiled = self._kept.on(connection.dialect)
        return connection.exec_driver_sql(compiled.text, compiled.parameters(given))


class PreparedForEach:
    """A statement for each of several rows: on PostgreSQL executed once, with all rows as JSON, else row by row.

    `build` makes the statement from the rows' columns. These hold integers and texts, which every driver takes
    unconverted.
    """

    def __init__(self, build: Callable[[Any], Executable], **columns: type[TypeEngine[Any]]) -> None:
        self._columns = columns
        self._kept = _Kept(lambda on: build(recordset(self._columns).c if _takes_at_once(on) else self._parameters()))

    def change(self, session: Session, rows: Sequence[Sequence[Any]], **shared: Any) -> None:
        """Execute it for these rows, their values in the order of the columns; `shared` is the same for all."""
        connection = session.connection()
        compiled = self._kept.on(connection.dialect)
        if _takes_at_once(connection.dialect):
            # JSON, not arrays: psycopg builds arrays value by value, which costs as much as the statement.
            given = orjson.dumps([dict(zip(self._columns, row, strict=True)) for row in rows]).decode()
            connection.exec_driver_sql(compiled.text, compiled.parameters({**shared, "given": given}))
        else:
            same = compiled.values(shared)
            places = [*same, *self._columns]
            pick = itemgetter(*map(places.index, compiled.order))
            connection.exec_driver_sql(compiled.text, [pick((*same.values(), *row)) for row in rows])

    def _parameters(self) -> Any:
        return SimpleNamespace(**{name: bindparam(name, type_=kind()) for name, kind in self._columns.items()})


class PreparedForAll:
    """A statement for several rows at once, given as JSON, that returns something of each: in any order.

    `build` makes the statement from the rows' columns. These hold integers and texts.
    """

    def __init__(self, build: Callable[[Any], Executable], **columns: type[TypeEngine[Any]]) -> None:
        self._columns = columns
        self._kept = _Kept(lambda on: build(recordset(columns).c if _takes_at_once(on) else _extracted(columns)))

    def returned(self, session: Session, rows: Sequence[Sequence[Any]], **shared: Any) -> list[tuple[Any, ...]]:
        """Execute it for these rows, their values in the order of the columns; `shared` is the same for all."""
        connection = session.connection()
        compiled = self._kept.on(connection.dialect)
        given = orjson.dumps([dict(zip(self._columns, row, strict=True)) for row in rows]).decode()
        executed = connection.exec_driver_sql(compiled.text, compiled.parameters({**shared, "given": given}))
        return [tuple(row) for row in executed]


def recordset(columns: Mapping[str, TypeEngine[Any] | type[TypeEngine[Any]]]) -> TableValuedAlias:
    """On PostgreSQL, rows of these columns from the parameter `given`: a list of objects, as JSON text.

    Row by row, the driver would send each in a round trip of its own.
    """
    given = func.json_to_recordset(cast(bindparam("given", type_=Text), JSON))
    typed = (column(name, kind) for name, kind in columns.items())
    return given.table_valued(*typed).render_derived(name="given", with_types=True)


def _extracted(columns: Mapping[str, type[TypeEngine[Any]]]) -> Any:
    """On SQLite, the columns of rows from the parameter `given`: a list of objects, as JSON text."""
    value = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="given").c.value
    return SimpleNamespace(
        **{name: func.json_extract(value, f"$.{name}", type_=kind()) for name, kind in columns.items()}
    )


def _takes_at_once(dialect: Dialect) -> bool:
    return dialect.name == "postgresql"


logger = logging.getLogger(__name__)


class KeptConnection:
    """The connection of one thread that writes again and again. Give it back whenever nothing is to be written.

    On SQLite, those of several processes take turns at a file beside the database. Without it each would sleep and look
    again, for up to a tenth of a second each time, while the other takes the database again and again.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._turns: FileIO | None = None
        self._of: Database | None = None
        self._has_warned = False

    @contextmanager
    def writing(self, database: Database) -> Iterator[Connection]:
        """As `Database.writing`, without a session. After an error the next transaction gets another connection."""
        if self._of is not database:
            self.give_back()
        try:
            self._take_turn(database)
            if self._connection is None or self._connection.closed:
                self._connection, self._of = database.connect(), database
            with self._connection.begin():
                yield self._connection
            if self._turns is not None:
                fcntl.flock(self._turns, fcntl.LOCK_UN)
        except BaseException:
            self.give_back()
            raise

    def _take_turn(self, database: Database) -> None:
        """Wait for our turn. Where the file cannot be locked, go on without: turns only save time."""
        try:
            self._turns = self._turns or _turns_of(database)
            if self._turns is not None:
                fcntl.flock(self._turns, fcntl.LOCK_EX)
        except OSError as error:
            self._turns = None
            if not self._has_warned:
                said = "writers do not take turns, so hits are stored more slowly: %s"
                logger.warning(said, told(error), extra={"event": "no_turns"})
            self._has_warned = True

    def give_back(self) -> None:
        """Give the connection back to the pool, which checks it before the next use."""
        connection, turns, self._connection, self._turns = self._connection, self._turns, None, None
        if turns is not None:
            turns.close()  # and unlocks it
        if connection is not None:
            connection.close()


def _turns_of(database: Database) -> FileIO | None:
    """The file beside an SQLite database that writers lock, or None."""
    place = database.engine.url.database
    if database.engine.dialect.name != "sqlite" or not place or place == ":memory:":
        return None
    return Path(f"{place}-turns").open("ab", buffering=0)
