"""Letters and hits keep their numbers, and hold ones beyond two billion."""

from tests.migrations.told import change, copy, values

BEYOND = 3_000_000_000
COUNTERS = "SELECT data_type::text FROM pg_sequences WHERE sequencename IN ('messages_id_seq', 'hits_id_seq')"


def after_upgrade(connection, before):
    kept = sorted((row["id"], row["message_id"]) for row in before["hits"])
    assert values(connection, "SELECT id, message_id FROM hits ORDER BY id") == kept
    assert values(connection, "SELECT id FROM messages ORDER BY id") == sorted(row["id"] for row in before["messages"])
    copy(connection, "messages", kept[0][1], id=BEYOND, public_id="beyond", address_key="beyond")
    copy(connection, "hits", kept[0][0], id=BEYOND, message_id=BEYOND)
    for table in ("hits", "messages"):
        change(connection, f"DELETE FROM {table} WHERE id = {BEYOND}")
    if connection.dialect.name == "postgresql":
        assert values(connection, COUNTERS) == ["bigint", "bigint"]
