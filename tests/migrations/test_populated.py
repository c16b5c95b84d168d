"""Migrations over a database that holds rows: nothing is lost on the way up, and everything is back on the way down.

Each JSON file here is a dump of a small made-up database in the schema of the revision that names it. Version 0.1.0 has
the schema 0011, which nobody has an older one than, and 0.2.0 the schema 0029. (Of 0.3.0 there is a larger one, in
`base_0092`, with tests of its own.) For a release there is nothing to do:
these rows go through every later migration. When tables or stored values have come since, which no dump holds, add one:
fill a database by the project's own functions at the head revision, and write it down with `tools/dump.py`. Never
change a dump: such databases exist.

What a revision does to rows, its own `migration_<revision>.py` says and checks (`told.py`).
"""

import json
from contextlib import contextmanager
from itertools import pairwise

import pytest
from sqlalchemy import inspect, select

from outreach import migrations
from outreach.alerts import mails
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.db import Base, Session
from outreach.staff_mail import letters
from tests.db.test_append_only import LATER
from tests.migrations.dumps import bare, insert
from tests.migrations.told import FOLDER, REVISIONS, file_of, held, tell
from tools.dump import MIGRATIONS, rows

pytestmark = pytest.mark.postgresql


*OLDER, NEWEST = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.fixture
def database(fresh_url):
    opened = bare(fresh_url)
    yield opened
    opened.dispose()


@pytest.mark.parametrize(
    "start", [*(pytest.param(older, marks=[pytest.mark.long, pytest.mark.deep]) for older in OLDER), NEWEST]
)
def test_every_row_goes_up_step_by_step_and_down_again(database, settings, now, start):
    steps = list(pairwise(REVISIONS[REVISIONS.index(start) :]))
    dump = json.loads((FOLDER / f"{start}.json").read_text(encoding="utf-8"))
    assert all(dump.values()), "a table without rows shows nothing"
    migrations.upgrade(database.engine, start)
    insert(database, dump)
    assert dumped(database) == dump
    for older, newer in steps:
        with named(newer):
            go_up(database, older, newer)
    migrations.check(database.engine)
    read_every_row(database)
    fill_what_came_later(database, settings, now)
    for older, newer in reversed(steps):
        with named(newer):
            tell(database, newer, "before_downgrade")
            before, _ = held(database)
            migrations.downgrade(database.engine, older)
            tell(database, newer, "after_downgrade", before)
    migrations.downgrade(database.engine)
    with database.engine.connect() as connection:  # so that the way up from here is that of an empty database
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert not migrations.is_current(database.engine)


def go_up(database, older, newer):
    """Take one step up, back and up again. What goes on takes rows along that the revision tells of."""
    tell(database, newer, "before_upgrade")
    before = held(database)
    migrations.upgrade(database.engine, newer)
    tell(database, newer, "after_upgrade", before[0])
    after = held(database)
    told = file_of(newer)
    counted, were = counts(after[0]), counts(before[0])
    stays = set(were) - set(getattr(told, "LOSES", ()))
    assert {table: counted.get(table) for table in stays} == {table: were[table] for table in stays}
    assert told or set(counted) == set(were), "a table comes empty, unless the revision's file says what fills it"
    migrations.downgrade(database.engine, older)
    assert held(database) == before
    migrations.upgrade(database.engine, newer)
    assert held(database) == after


def read_every_row(database):
    """Read each row as the program does."""
    counted = counts(held(database)[0])
    with Session(database.engine) as session:
        for mapper in Base.registry.mappers:
            if mapper.local_table.name in MIGRATIONS:
                continue
            read = session.scalars(select(mapper.class_)).all()
            assert len(read) == counted.get(mapper.local_table.name, 0)


def fill_what_came_later(database, settings, now):
    """Add what no dump holds: a letter to staff, and rows of tables that are empty."""
    with database.writing() as session:
        alert, sending = mails.letter_about(["a@b.example"], "Alerte", ["Rien."]), SenderIdentity.of(settings)
        letters.post(session, alert, letters.write(alert, sending, now=now), sending, now=now, actor="service")
    filled = counts(held(database)[0])
    insert(database, {table: given for table, given in LATER.items() if table not in filled})


@contextmanager
def named(revision):
    """Say in a failure which revision it is about."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"revision {revision}")
        raise


def dumped(database):
    with database.engine.connect() as connection:
        return rows(connection)


def counts(dump):
    """The number of rows of each table that has any."""
    return {table: len(rows) for table, rows in dump.items() if rows}
