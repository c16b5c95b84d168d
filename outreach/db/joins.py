"""Whether a row's key is among many that a statement finds, found once.

On PostgreSQL the keys are joined: of a list (`IN`) below `or`, `not` or `case` it makes a subplan, which it asks again
for each row once the keys are more than `work_mem` holds. On SQLite they are a list, which it stores in order at once:
it would scan what is joined for each row where it guesses that the keys are few.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Boolean,
    ClauseElement,
    ColumnElement,
    FromClause,
    Join,
    Select,
    SQLColumnExpression,
    Subquery,
    and_,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate


def found_among(keys: Select[*tuple[Any, ...]], *own: SQLColumnExpression[Any]) -> ColumnElement[bool]:
    """Whether these columns of a row are among some keys, which have as many columns. A statement that asks it stands
    on `joined`."""
    return _Found(keys.distinct().subquery(), *own)


def joined(source: FromClause, conditions: Iterable[ColumnElement[Any]]) -> FromClause:
    """What rows are read from, with what these conditions ask for by `found_among`, each once."""
    found = {part.keys: part for each in conditions for part in iterate(each) if isinstance(part, _Found)}
    for keys, part in found.items():
        same = and_(*(theirs == mine for theirs, mine in zip(keys.c, part.own, strict=True)))
        source = _Joined(source, keys, same, isouter=True)
    return source


class _Found(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()

    def __init__(self, keys: Subquery, *own: SQLColumnExpression[Any]) -> None:
        self.keys, self.own = keys, own
        listed = (own[0] if len(own) == 1 else tuple_(*own)).in_(select(*keys.c))
        super().__init__(keys.c[0].is_not(None), listed)

    def get_children(self, **_options: Any) -> tuple[ClauseElement, ...]:
        """Nothing, so that `joined` does not find here what the keys are found by."""
        return ()

    def self_group(self, against: Any = None) -> "_Found":  # noqa: ARG002
        """Itself: SQLAlchemy would otherwise add `= 1` on SQLite."""
        return self


class _Joined(Join):
    inherit_cache = True


@compiles(_Found)
def _is_joined(element: _Found, compiler: SQLCompiler, **options: Any) -> str:
    is_joined, _ = element.clauses
    return f"({compiler.process(is_joined, **options)})"


@compiles(_Found, "sqlite")
def _is_listed(element: _Found, compiler: SQLCompiler, **options: Any) -> str:
    _, is_listed = element.clauses
    return f"({compiler.process(is_listed, **options)})"


@compiles(_Joined, "sqlite")
def _without_keys(element: _Joined, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.left, **options)
