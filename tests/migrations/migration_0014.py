"""A message refers to its authority or its federation."""

from tests.migrations.told import change, values


def before_upgrade(connection):
    change(connection, "UPDATE messages SET recipient_kind = 'federation', recipient_id = 3 WHERE id = 1")


def after_upgrade(connection, before):
    to = {row["id"]: (row["recipient_kind"], row["recipient_id"]) for row in before["messages"]}
    expected = [
        (key, None, whose) if kind == "federation" else (key, whose, None) for key, (kind, whose) in sorted(to.items())
    ]
    assert values(connection, "SELECT id, authority_id, federation_id FROM messages ORDER BY id") == expected
