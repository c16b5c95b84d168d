"""Write every row of a database as JSON, the same from SQLite as from PostgreSQL: what tests of migrations begin with.

    .venv/bin/python -m tools.dump sqlite:////somewhere/small.sqlite3 > tests/operations/migrations/0012.json

The file goes into the repository: the database holds made-up rows only, in the schema that the file is named after.
"""

import json
import sys
from datetime import UTC, date, datetime

from sqlalchemy import Connection, MetaData, Table

from outreach.core.db import Database

MIGRATIONS = {"alembic_version", "applied_revisions"}  # tables in which they keep what was applied


def reflected(connection: Connection) -> list[Table]:
    """The tables as the database has them now, each after those it refers to, without what migrations write."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name not in MIGRATIONS]


def rows(connection: Connection) -> dict[str, list[dict[str, object]]]:
    """Every row by its table's name, in the order of primary keys; times are ISO 8601 in UTC, bytes hexadecimal."""
    dumped = {}
    for table in reflected(connection):
        read = connection.execute(table.select().order_by(*table.primary_key)).mappings()
        dumped[table.name] = [{name: _neutral(value) for name, value in row.items()} for row in read]
    return dumped


def _neutral(value: object) -> object:
    if isinstance(value, datetime):  # SQLite gives no zone, and holds UTC
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else value


if __name__ == "__main__":
    opened = Database(sys.argv[1])
    with opened.engine.connect() as connection:
        json.dump(rows(connection), sys.stdout, ensure_ascii=False, indent=1, sort_keys=True)
    print()
