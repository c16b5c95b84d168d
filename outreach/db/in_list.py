"""Many keys in a statement, as one value: its text is the same for any number of them, and so is what is kept of it.

`in_` makes a parameter of each, which for some hundreds costs PostgreSQL and its driver three times what finding their
rows does.
"""

from collections.abc import Callable, Iterable
from typing import Any, Self

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, Integer, any_, bindparam, cast, func, literal, select
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
    """Whether a column holds one of the keys that are given, under this name, when the statement is executed."""
    return _Among(column, bindparam(name, type_=_Keys()))


class _Keys(UserDefinedType[Iterable[int]]):
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Iterable[int] | None], str]:
        """As the database writes its lists. The statement says of what type: from a text it would be converted."""
        list_of = "{{{}}}" if dialect.name == "postgresql" else "[{}]"

        def process(keys: Iterable[int] | None) -> str:
            return list_of.format(",".join(map(str, keys or ())))

        return process


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: OperatorType | None = None) -> Self:  # noqa: ARG002
        """Itself: of a function SQLite would be asked whether it is 1, and would read the whole table."""
        return self


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = element.clauses
    listed = select(func.json_each(keys).table_valued("value").c.value)
    return f"({compiler.process(column.in_(listed), **options)})"


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, keys = element.clauses
    return f"({compiler.process(column == any_(cast(keys, ARRAY(Integer))), **options)})"
