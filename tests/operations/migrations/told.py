"""What `migration_<revision>.py` tells of a revision, and the statements that such a file is written with.

Such a file holds any of these functions, each with a connection that is committed after it:

- `before_upgrade(connection)` adds rows that the revision changes, or changes some that are there, in whichever dump;
- `after_upgrade(connection, before)` checks them; `before` has every row as it was, by table;
- `before_downgrade(connection)` adds what the older schema has no place for;
- `after_downgrade(connection, before)` checks what became of it.

`LOSES` names tables whose rows the revision moves or deletes on its way up, `GAINS` those that it adds rows to, and
`FORGETS` those that its way down does not bring back as they were. That no other row is lost, and that the way down
takes back the way up, is checked for every revision.
"""

import importlib
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from outreach.operations.migrations import HERE
from tools.dump import MIGRATIONS

FOLDER = Path(__file__).parent
PHASES = ("before_upgrade", "after_upgrade", "before_downgrade", "after_downgrade")
AT, BY = "2021-05-18 09:00:00.000000", "nadia.lambert@fwb.example"
REVISIONS = sorted(path.name[:4] for path in (HERE / "versions").glob("*.py"))
TOLD = {path.stem.removeprefix("migration_") for path in FOLDER.glob("migration_*.py")}
TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": "SELECT DISTINCT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname",
}

pytest.register_assert_rewrite(*(f"tests.operations.migrations.migration_{revision}" for revision in TOLD))


def tell(database, revision, phase, *given):
    """Call the function of a revision's file for a phase, if there is one."""
    if function := getattr(file_of(revision), phase, None):
        with database.engine.begin() as connection:
            function(connection, *given)


def file_of(revision):
    """The file that tells of a revision, or None."""
    return importlib.import_module(f"tests.operations.migrations.migration_{revision}") if revision in TOLD else None


def held(database):
    """Every row by its table's name, in any order, and the names of the triggers; as the driver gives them."""
    with database.engine.connect() as connection:
        tables = sorted(set(inspect(connection).get_table_names()) - MIGRATIONS)
        driver = connection.connection.cursor()  # the engine takes three times as long
        rows = {table: _ordered(driver.execute(f'SELECT * FROM "{table}"')) for table in tables}
        return rows, connection.scalars(text(TRIGGERS[connection.dialect.name])).all()


def _ordered(cursor):
    """The rows of a table, whose order is that of their values, whatever the order of its columns."""
    names = [column[0] for column in cursor.description]
    places = sorted(range(len(names)), key=names.__getitem__)
    rows = sorted(([row[place] for place in places] for row in cursor), key=repr)
    return [dict(zip(sorted(names), row, strict=True)) for row in rows]


def change(connection, statement, **values):
    """Carry out a statement that adds or changes at least one row."""
    assert connection.execute(text(statement), values).rowcount > 0, f"it changes no row: {statement}"


def add(connection, table, **row):
    """Add a row."""
    names = ", ".join(row)
    change(connection, f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})", **row)


def copy(connection, table, key, **changes):
    """Add a copy of the row with this number, with changes."""
    (row,) = connection.execute(text(f"SELECT * FROM {table} WHERE id = :key"), {"key": key}).mappings()
    add(connection, table, **{**row, **changes})


def values(connection, statement):
    """The rows of a query: each as a tuple, or as its value where there is one column."""
    rows = connection.execute(text(statement)).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in rows]


def add_proposal(connection, key, kind):
    """Add a proposal of a letter's mailbox; returns the letter's key."""
    ((letter, authority),) = values(connection, "SELECT id, authority_id FROM messages WHERE authority_id > 0 LIMIT 1")
    whose = {"message_id": letter, "authority_id": authority, "scope_code": "", "proposed_at": AT, "proposed_by": "x"}
    said = dict.fromkeys(("said", "answer", "address"), "")
    add(connection, "proposals", id=key, kind=kind, state="waiting", **whose, **said)
    return letter
