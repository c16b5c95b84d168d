"""Rows kept as JSON by `tools/dump.py`, put into a database of any revision."""

from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Integer, func, select, text

from outreach.core.db import Database
from tools.dump import reflected

READ = {datetime: datetime.fromisoformat, date: date.fromisoformat, bytes: bytes.fromhex}


def bare(url):
    """A database without a table at this address: emptied at once, which is quicker than migrated down."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return Database(url)
    opened = Database(url)
    with opened.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return opened


def insert(database, dump):
    """Insert rows by their table's name into the schema that the database has now; times are in ISO 8601."""
    with database.engine.begin() as connection:
        for table in reflected(connection):
            reading = {column.name: READ.get(column.type.python_type, lambda value: value) for column in table.columns}
            given = dump.get(table.name, [])
            if not given:
                continue
            read = [{name: value and reading[name](value) for name, value in row.items()} for row in given]
            connection.execute(table.insert(), read)
            if database.engine.name == "postgresql" and "id" in table.columns and isinstance(table.c.id.type, Integer):
                counter = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(counter, func.max(table.c.id))))
