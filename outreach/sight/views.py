"""The SQL of a sight: tables of keys, the views that shadow the tables, and how the keys of a scope are found."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Dialect, LargeBinary, String, Table

from outreach.db import Base
from outreach.sight.declared import (
    AUTHORITIES,
    FEDERATIONS,
    KEYS,
    LEVEL_OF_TYPE,
    LEVELS,
    SCHOOLS,
    TABLES,
    ByValue,
    Hidden,
    Public,
    Scoped,
    Seen,
)
from outreach.sight.scopes import Sight, SightKind

HIDDEN = Hidden()
# Functions of one argument: PostgreSQL takes `x.name` for a call of one where x has no such column.
CALLED_BY_A_DOT = (
    "SELECT DISTINCT proname FROM pg_proc WHERE 1 BETWEEN pronargs - pronargdefaults AND pronargs OR provariadic <> 0"
)
WHO = frozenset({"actor"})  # beside what ends in `_by`: the columns that name a person of the service


def places(dialect: Dialect, schema: str) -> dict[str, str]:
    """What stands before a name: `v` of what is seen, `r` of a whole table."""
    is_sqlite = dialect.name == "sqlite"
    return {"v": "temp.", "r": "main."} if is_sqlite else {"v": "pg_temp.", "r": f"{schema}."}


def made(dialect: Dialect, schema: str) -> Iterator[str]:
    """The statements that make the tables of keys, which are empty, and the views. A new connection executes them
    before any other: a statement that was prepared earlier would read the whole tables."""
    before = places(dialect, schema)
    ends = "" if dialect.name == "sqlite" else " ON COMMIT DELETE ROWS"
    for name, column in KEYS.items():
        yield f"CREATE TEMP TABLE {name} ({column}){ends}"
    known = Base.metadata.tables
    for name in names():
        if name not in known:  # a process that sends does not load every table
            yield f"CREATE TEMP VIEW {name} AS SELECT NULL AS unseen WHERE 1 = 0"
            continue
        seen = TABLES.get(name, HIDDEN)
        parents = seen.paths.values() if isinstance(seen, Scoped) else ()
        is_whole = all(parent in known or parent in KEYS for parent in parents)
        yield view(known[name], seen if is_whole else HIDDEN, dialect, before)


def names() -> Sequence[str]:
    """The tables before which a view stands."""
    return *TABLES, *sorted(Base.metadata.tables.keys() - TABLES.keys())


def columns() -> frozenset[str]:
    """How the columns of all tables are called."""
    return frozenset(column.name for table in Base.metadata.tables.values() for column in table.c)


def view(table: Table, seen: Seen, dialect: Dialect, before: dict[str, str]) -> str:
    """The statement that makes the view before a table."""
    masked = set(getattr(seen, "masked", ()))
    columns = ", ".join(
        _shown(column, dialect, is_masked=_names_person(column) or column.name in masked) for column in table.c
    )
    conditions = [f"({each.format(**before)})" for each in _conditions(seen)]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE TEMP VIEW {table.name} AS SELECT {columns} FROM {before['r']}{table.name} t{where}"


def _conditions(seen: Seen) -> Iterator[str]:
    match seen:
        case Hidden():
            yield "1 = 0"
        case ByValue(where):
            yield where
        case Scoped(paths, where):
            # With a plain column the planner would begin with the keys, which costs four to six times as much.
            for column, parent in paths.items():
                if parent in KEYS:
                    yield f"+t.{column} IN (SELECT id FROM {{v}}{parent})"
                else:
                    yield f"EXISTS (SELECT 1 FROM {{v}}{parent} p WHERE p.id = t.{column})"
            if where:
                yield where
        case Public():
            pass


def _names_person(column: Column[Any]) -> bool:
    """Whether a column names who of the service did something."""
    is_named = column.name.endswith("_by") or column.name in WHO
    return is_named and isinstance(column.type, String)


def _shown(column: Column[Any], dialect: Dialect, *, is_masked: bool) -> str:
    if not is_masked:
        return f"t.{column.name}"
    if column.nullable:
        return f"CAST(NULL AS {column.type.compile(dialect)}) AS {column.name}"
    empty = "''" if isinstance(column.type, String) and not isinstance(column.type, LargeBinary) else "NULL"
    return f"CAST({empty} AS {column.type.compile(dialect)}) AS {column.name}"


def emptied() -> Iterator[str]:
    """The statements that empty the tables of keys: whoever has the connection sees nothing then."""
    return (f"DELETE FROM {name}" for name in KEYS)


def filled(sight: Sight, dialect: Dialect, schema: str) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The statements that fill the tables of keys for a sight, each with its parameters."""
    before, mark = places(dialect, schema), "?" if dialect.name == "sqlite" else "%s"
    federation = sight.kind is SightKind.FEDERATION
    asked = _OF_FEDERATION if federation else _OF_NETWORK
    return [(text.format(**before, code=mark), (sight.code,) * text.count("{code}")) for text in asked]


def stamp(dialect: Dialect, schema: str) -> str:
    """The statement whose row changes with whatever the keys of a scope are found by.

    Editions of the register alone change it: one that is applied or undone says when.
    """
    return _STAMP.format(**places(dialect, schema))


def read() -> Iterator[tuple[str, str]]:
    """For each table of keys, the statement that reads what it holds."""
    return ((name, f"SELECT {column.split()[0]} FROM {name}") for name, column in KEYS.items())


def again(name: str, dialect: Dialect) -> str:
    """The statement that fills a table of keys with those found before, given as one parameter: JSON, or an array."""
    if dialect.name == "sqlite":
        return f"INSERT INTO {name} SELECT value FROM json_each(?)"
    return f"INSERT INTO {name} SELECT unnest(CAST(%s AS {'text' if name == LEVELS else 'integer'}[]))"


_STAMP = (
    "SELECT count(*), count(until), max(id), (SELECT max(id) FROM {r}listings), (SELECT max(id) FROM {r}teachings),"
    " (SELECT max(id) FROM {r}authorities), (SELECT count(*) FROM {r}register_imports),"
    " (SELECT max(applied_at) FROM {r}register_imports), (SELECT max(undone_at) FROM {r}register_imports)"
    " FROM {r}memberships"
)
# The schools that stand under an authority in scope today, or stood there last where they stand nowhere any more, and
# that teach at a level in scope, or taught there last.
_LAST = (
    "(o.until IS NULL OR NOT EXISTS (SELECT 1 FROM {r}listings n WHERE n.school_id = o.school_id AND"
    " (n.until IS NULL OR n.until > o.until)))"
)
_TAUGHT = (
    "(e.until IS NULL OR NOT EXISTS (SELECT 1 FROM {r}teachings n WHERE n.school_id = e.school_id AND n.until IS NULL))"
)
_OF_FEDERATION = (
    f"INSERT INTO {FEDERATIONS} SELECT id FROM {{r}}federations WHERE code = {{code}}",
    f"INSERT INTO {AUTHORITIES} SELECT DISTINCT m.authority_id FROM {{r}}memberships m"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
    f"INSERT INTO {LEVELS} SELECT DISTINCT m.level FROM {{r}}memberships m"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
    f"INSERT INTO {SCHOOLS} SELECT DISTINCT o.school_id FROM {{r}}memberships m"
    f" JOIN {{r}}listings o ON o.authority_id = m.authority_id AND {_LAST}"
    f" JOIN {{r}}teachings e ON e.school_id = o.school_id AND {_TAUGHT}"
    f" AND {LEVEL_OF_TYPE.format('e.education_type')} = m.level"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
)
_OF_NETWORK = (
    f"INSERT INTO {FEDERATIONS} SELECT id FROM {{r}}federations",
    f"INSERT INTO {LEVELS} VALUES ('nursery'), ('primary'), ('secondary')",
    f"INSERT INTO {AUTHORITIES} SELECT a.id FROM {{r}}authorities a"
    " JOIN {r}networks n ON n.id = a.network_id WHERE n.code = {code}",
    f"INSERT INTO {SCHOOLS} SELECT DISTINCT o.school_id FROM {{r}}listings o"
    f" WHERE {_LAST} AND o.authority_id IN (SELECT id FROM {AUTHORITIES})",
)
