"""Migrations over a database that holds rows: nothing is lost on the way up, and everything is back on the way down.

Each file here is a dump of a small made-up database in the schema of the revision that names it. Version 0.1.0 has the
schema 0011. For a release there is nothing to do: these rows go through every later migration. When tables or stored
values have come since, which no dump holds, add one: fill a database by the project's own functions at the head
revision, and write it down with `tools/dump.py`. Never change a dump: such databases exist. A migration that adds or
removes rows on purpose has to be taken into account in the test below.
"""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, table, text

from outreach import migrations
from outreach.db import Base, Session
from tests.migrations.dumps import insert
from tools.dump import rows

FOLDER = Path(__file__).parent
pytestmark = pytest.mark.postgresql


*OLDER, NEWEST = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize(
    "start", [*(pytest.param(older, marks=[pytest.mark.long, pytest.mark.deep]) for older in OLDER), NEWEST]
)
def test_every_row_goes_up_step_by_step_and_down_again(database, start):
    dump = json.loads((FOLDER / f"{start}.json").read_text(encoding="utf-8"))
    assert all(dump.values()), "a table without rows shows nothing"
    migrations.downgrade(database.engine)
    migrations.upgrade(database.engine, start)
    insert(database, dump)
    assert dumped(database) == dump
    while not migrations.is_current(database.engine):
        migrations.upgrade(database.engine, "+1")
        assert counted(database) == expected(dump, upto=revision(database))
    migrations.check(database.engine)
    with Session(database.engine) as session:
        for mapper in Base.registry.mappers:
            read = session.scalars(select(mapper.class_)).all()
            assert len(read) == expected(dump).get(mapper.local_table.name, 0)
    migrations.downgrade(database.engine, start)
    assert dumped(database) == dump


def dumped(database):
    with database.engine.connect() as connection:
        return rows(connection)


def expected(dump, upto="9999"):
    """The number of rows of each table that has any at a revision."""
    return {table: count for table, count in (counts(dump) | added(dump, upto)).items() if count}


def counted(database):
    """The number of rows of each table that has any. To read the rows takes as long as a migration."""
    with database.engine.connect() as connection:
        tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        found = {name: connection.scalar(select(func.count()).select_from(table(name))) for name in tables}
    return {name: count for name, count in found.items() if count}


def added(dump, upto="9999"):
    """The rows that revisions make of what columns said before, up to one: the number of each table that gets any."""
    made = {}
    if "response_steps" not in dump and upto >= "0019":
        made["record_withdrawals"] = [row["withdrawn_at"] for row in dump["adherence_records"]]
        made["response_steps"] = [row[name] for row in dump["responses"] for name in ("owner", "handled_at")]
    if "basis_withdrawals" not in dump and upto >= "0027":
        made["basis_withdrawals"] = [row["withdrawn_at"] for row in dump["tracking_bases"]]
    found = {name: len(list(filter(None, said))) for name, said in made.items() if any(said)}
    return found | (decided(dump) if upto >= "0053" else {})


def decided(dump):
    """What moves into decisions: every transition here, as no campaign was closed or taken back to draft."""
    moved = ("campaign_transitions", "added_reminder_transitions")
    assert not {row["state"] for table in moved for row in dump.get(table, [])} - {"draft", "to_approve", "approved"}
    return {"decisions": sum(len(dump.get(table, [])) for table in moved)} | dict.fromkeys(moved, 0)


def revision(database):
    with database.engine.connect() as connection:
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def counts(dump):
    """The number of rows of each table that has any: a table that a dump does not know comes empty."""
    return {name: len(held) for name, held in dump.items() if held}
