"""Migrations over a database that holds rows: nothing is lost on the way up, and everything is back on the way down.

The rows are those of a base of 0.3.0 (`base_0092`), which no database is older than: they go through every later
migration. When tables or stored values have come since, which it does not hold, add a base of the head revision by the
project's own functions, written down with `tools/dump.py`. Never change one: such databases exist.

What a revision does to rows, its own `migration_<revision>.py` says and checks (`told.py`).
"""

from contextlib import contextmanager
from itertools import pairwise

import pytest
from sqlalchemy import inspect, select

from outreach.campaigns.letter import SenderIdentity
from outreach.core import erasure
from outreach.core.db import Base, Session
from outreach.operations import migrations
from outreach.operations.health import _watch as watch
from outreach.staff import notifications
from tests.operations.migrations import base_0092 as base
from tests.operations.migrations.base_0092 import base_0092, settings_of_base
from tests.operations.migrations.told import REVISIONS, file_of, held, tell
from tools.dump import MIGRATIONS, rows

__all__ = ["base_0092", "settings_of_base"]
pytestmark = pytest.mark.postgresql


@pytest.mark.long
@pytest.mark.deep
def test_every_row_goes_up_step_by_step_and_down_again(base_0092, settings_of_base, now):
    database, steps = base_0092, list(pairwise(REVISIONS))
    assert dumped(database) == base.rows()
    for older, newer in steps:
        with named(newer):
            go_up(database, older, newer)
    migrations.check(database.engine)
    read_every_row(database)
    fill_what_came_later(database, settings_of_base, now)
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
    gains = set(getattr(told, "GAINS", ()))
    stays = set(were) - set(getattr(told, "LOSES", ())) - gains
    assert {table: counted.get(table) for table in stays} == {table: were[table] for table in stays}
    assert all(counted[table] > were.get(table, 0) for table in gains)
    assert told or set(counted) == set(were), "a table comes empty, unless the revision's file says what fills it"
    migrations.downgrade(database.engine, older)
    back = held(database)
    for table in getattr(told, "FORGETS", ()):
        back[0][table] = before[0][table]
    assert back == before
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
    """Add what the base does not hold: a letter to staff."""
    database.info.update(erasure.info_of(settings))
    with database.writing() as session:
        alert, sending = watch.letter_about(["a@b.example"], "Alerte", ["Rien."]), SenderIdentity.of(settings)
        notifications.post_mail(
            session, alert, notifications.write_mail(alert, sending, now=now), sending, now=now, actor="service"
        )


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
