"""The migrations make what the models say, down to what Alembic does not compare: checks, and the rows of an index."""

import re

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from outreach.core.db import Base
from outreach.operations import migrations

pytestmark = pytest.mark.postgresql


@pytest.mark.long
def test_alembic_finds_no_difference(database):
    """Tables, columns, types, what may be empty, defaults of the server, indexes and keys."""
    migrations.check(database.engine)


def test_revisions_stand_in_the_order_of_their_chain_and_the_migrated_database_is_current(database):
    walked = ScriptDirectory(str(migrations.HERE)).walk_revisions()
    assert migrations.known_revisions() == [one.revision for one in walked][::-1]
    assert (migrations.fault_of(database.engine), migrations.pending(database.engine)) == (None, [])


@pytest.mark.long
def test_checks_and_indexes_are_those_of_the_models(database):
    if database.engine.name == "sqlite":
        made = create_engine("sqlite://")
        Base.metadata.create_all(made)
        assert shape(inspect(database.engine)) == shape(inspect(made))
        made.dispose()
        return
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA made"))
        Base.metadata.create_all(connection.execution_options(schema_translate_map={None: "made"}))
        assert shape(inspect(connection)) == shape(inspect(connection), "made")
        connection.execute(text("DROP SCHEMA made CASCADE"))


def shape(inspector, schema=None):
    """Of each table: primary key, checks, unique keys, indexes with the rows they hold, where foreign keys lead."""
    return {
        name: (
            inspector.get_pk_constraint(name, schema=schema)["constrained_columns"],
            {check["name"]: _words(check) for check in inspector.get_check_constraints(name, schema=schema)},
            {
                unique["name"]: unique["column_names"]
                for unique in inspector.get_unique_constraints(name, schema=schema)
            },
            {
                index["name"]: (index["column_names"], index["unique"], str(_rows(index)))
                for index in inspector.get_indexes(name, schema=schema)
            },
            sorted(
                (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                for key in inspector.get_foreign_keys(name, schema=schema)
            ),
        )
        for name in Base.metadata.tables
    }


def _words(check):
    """What a check says, in any order: a migration adds a value at the end of its list."""
    return sorted(re.findall(r"\w+|[<>=]+", check["sqltext"]))


def _rows(index):
    kept = index.get("dialect_options", {})
    return kept.get("sqlite_where", kept.get("postgresql_where", ""))
