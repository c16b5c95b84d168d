"""Whom a message is to, from revision 0013 to 0014: what cannot be told is refused, and keys come back."""

import json
from pathlib import Path

import pytest
from sqlalchemy import inspect

from outreach import migrations
from outreach.errors import Refused
from tests.migrations.dumps import bare, insert
from tools.dump import reflected, rows

DUMP = json.loads((Path(__file__).parent / "0011.json").read_text(encoding="utf-8"))
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.long,
    pytest.mark.deep,
]  # a step that has been released changes no more


@pytest.fixture
def database(fresh_url):
    opened = bare(fresh_url)
    yield opened
    opened.dispose()


@pytest.fixture
def before(database):
    """A populated database at revision 0013; the function changes its first message."""
    migrations.upgrade(database.engine, "0011")
    insert(database, DUMP)
    migrations.upgrade(database.engine, "0013")

    def change(**values):
        with database.engine.begin() as connection:
            (table,) = (held for held in reflected(connection) if held.name == "messages")
            connection.execute(table.update().where(table.c.id == 1).values(values))

    return change


def messages(database):
    with database.engine.connect() as connection:
        return rows(connection)["messages"]


def shape(database):
    """The keys, checks and indexes of messages."""
    seen = inspect(database.engine)
    named = (seen.get_unique_constraints, seen.get_check_constraints, seen.get_indexes, seen.get_foreign_keys)
    return {held["name"]: held.get("column_names") for look in named for held in look("messages")}


def test_messages_have_their_keys_checks_and_indexes_again(database, before):
    kept = shape(database)
    migrations.upgrade(database.engine)
    assert shape(database) != kept
    migrations.downgrade(database.engine, "0013")
    assert shape(database) == kept


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipient_kind": "school"}, "à une école"),
        ({"recipient_id": 4711}, "à un destinataire"),
        ({"recipient_kind": "federation", "recipient_id": 4711}, "à un destinataire"),
    ],
    ids=["school", "authority gone", "federation gone"],
)
def test_a_message_that_refers_to_nobody_is_named_and_nothing_changes(database, before, changes, said):
    before(**changes)
    kept = messages(database)
    with pytest.raises(Refused, match=rf"1 courriel\(s\) {said}.* \(id 1\)"):
        migrations.upgrade(database.engine)
    assert messages(database) == kept
    assert not migrations.is_current(database.engine)
