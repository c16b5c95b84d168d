"""Passes many keys to a statement as one parameter.

The statement's text is then the same for any number of keys, so it is compiled and prepared once (`db.compiled`); that
is why SQLite has it, too. `in_` makes one parameter per key: for some hundreds, this costs PostgreSQL and its driver
three times what finding the rows does.
"""

from collections.abc import Callable, Iterable
from typing import Any, Self

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, any_, bindparam, cast, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import UserDefinedType

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
