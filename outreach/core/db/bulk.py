"""Many rows and many keys at once: COPY, one parameter for thousands of keys, loops that PostgreSQL is kept from.

The statement's text is then the same for any number of keys, so it is compiled and prepared once (`db.compiled`); that
is why SQLite has it, too. `in_` makes one parameter per key: for some hundreds, this costs PostgreSQL and its driver
three times what finding the rows does.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from itertools import islice
from typing import Any, Self

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    Table,
    any_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import UserDefinedType

from outreach.core.db import Base, Session, errors, once_a_reading

AT_ONCE = 5_000  # rows to a statement of SQLite: their values take memory while it runs


def add_rows(session: Session, table: Table, rows: Iterable[Mapping[str, object]]) -> None:
    """Add rows of the same columns. What they leave out is NULL, or the database's own default."""
    more = iter(rows)
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, more)
        return
    while some := list(islice(more, AT_ONCE)):
        session.execute(insert(table), some)


def _copy(session: Session, table: Table, rows: Iterable[Mapping[str, object]]) -> None:
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no connection")
    first = next(iter(rows), None)
    if first is None:
        return
    statement = f"COPY {table.name} ({', '.join(first)}) FROM STDIN"  # the names are those of our own columns
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write_row(_plain(first))
            for row in rows:
                copy.write_row(_plain(row))
    except session.get_bind().dialect.loaded_dbapi.Error as error:  # SQLAlchemy does not see it
        errors.conceal(error, statement)
        raise


def _plain(row: Mapping[str, object]) -> list[object]:
    return [value.value if isinstance(value, Enum) else value for value in row.values()]


Keyed = ColumnElement[int] | InstrumentedAttribute[int]


def among(column: Keyed, keys: Iterable[int]) -> ColumnElement[bool]:
    """Whether a column holds one of these keys: integers, none of them None."""
    return _Among(column, literal(list(keys), _Keys()))


def among_given(column: Keyed, name: str) -> ColumnElement[bool]:
    """Whether a column holds one of the keys passed under this name when the statement is executed."""
    return _Among(column, bindparam(name, type_=_Keys()))


class _Keys(UserDefinedType[Iterable[int]]):
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Iterable[int] | None], str]:
        """Sent as the database's own list literal. The SQL casts it; otherwise it would be compared as text."""
        list_of = "{{{}}}" if dialect.name == "postgresql" else "[{}]"

        def process(keys: Iterable[int] | None) -> str:
            return list_of.format(",".join(map(str, keys or ())))

        return process


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002
        """Itself: SQLAlchemy would otherwise add `= 1` on SQLite, which would then read the whole table."""
        return self


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = element.clauses
    listed = select(func.json_each(keys).table_valued("value").c.value)
    return f"({compiler.process(column.in_(listed), **options)})"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    # Of the column's own type: PostgreSQL hashes such a list, and reads one of another type anew for each row.
    column, keys = element.clauses
    return f"({compiler.process(column == any_(cast(keys, ARRAY(column.type))), **options)})"


SCOPE = "outreach_sight"  # an execution option: whose scope the sessions of an engine have; they ask no catalogue
HASHED = text("SET LOCAL enable_nestloop = off")
PAGE, GROWN = 8192, 10  # bytes; times
HAS_GROWN = text(
    "SELECT EXISTS (SELECT FROM pg_class WHERE oid = ANY (CAST(CAST(:names AS text[]) AS regclass[]))"
    " AND pg_relation_size(oid) > :bytes * greatest(relpages, 1))"
)


@once_a_reading
def hash_what_grew(session: Session, *models: type[Base]) -> None:
    """Where one of these tables has grown tenfold since PostgreSQL last looked at it, or it never did, have it join by
    hashing to the end of the transaction.

    It looks within a minute of what was written (`db.analyze_after`: at once). Until then it takes a table for all but
    empty, and plans one loop in another: over all mailboxes for each authority, and for each of both over all schools.
    A scoped session always joins so (`hash_in_scope`): it may not ask the catalogue.
    """
    bind = session.get_bind()
    if bind.dialect.name != "postgresql":
        return
    if SCOPE in bind.get_execution_options():
        hash_in_scope(session)
        return
    names = [model.__tablename__ for model in models]
    if session.scalar(HAS_GROWN, {"names": names, "bytes": GROWN * PAGE}):
        session.execute(HASHED)


def hash_in_scope(session: Session) -> None:
    """Have a scoped session join by hashing to the end of the transaction, for a statement over most letters.

    PostgreSQL does not know how many keys a scope has, and looks each letter up among the schools of all: with 1,000
    authorities and 15 waves the situation took 12 seconds of the 5 it has, and takes a twentieth of one.
    """
    bind = session.get_bind()
    if bind.dialect.name == "postgresql" and SCOPE in bind.get_execution_options():
        session.execute(HASHED)
