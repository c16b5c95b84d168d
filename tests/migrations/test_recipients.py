"""Whom a message is to, from revision 0013 to 0014 and back: nobody is lost, and what cannot be told is refused."""

import json
from pathlib import Path

import pytest
from sqlalchemy import inspect

from outreach import migrations
from outreach.errors import Refused
from tests.migrations.dumps import insert
from tools.dump import reflected, rows

DUMP = json.loads((Path(__file__).parent / "0011.json").read_text(encoding="utf-8"))
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.long,
    pytest.mark.deep,
]  # a step that has been released changes no more


@pytest.fixture
def before(database):
    """A populated database at revision 0013; the function changes its first message."""
    migrations.downgrade(database.engine)
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


def test_a_letter_to_a_federation_goes_up_and_down_again(database, before):
    before(recipient_kind="federation", recipient_id=3)
    kept = messages(database)
    migrations.upgrade(database.engine)
    assert [(row["authority_id"], row["federation_id"]) for row in messages(database)] == [
        (None, 3) if row["recipient_kind"] == "federation" else (row["recipient_id"], None) for row in kept
    ]
    migrations.downgrade(database.engine, "0013")
    assert messages(database) == kept


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
