"""Sheets of answers say whether they are applied, and which mailbox sent them."""

from tests.migrations.told import AT, add, values


def before_upgrade(connection):
    for letter in values(connection, "SELECT id FROM messages ORDER BY id LIMIT 1"):
        sheet = {"message_id": letter, "received_at": AT}
        add(connection, "answer_lists", id=1, **sheet, grid="{1}", applied_at=None)
        add(connection, "answer_lists", id=2, **sheet, grid="", applied_at=AT)


def after_upgrade(connection, before):
    addresses = [row["address"] for row in sorted(before["messages"], key=lambda row: row["id"])][:1]
    told = values(connection, "SELECT state, received_by, applied_by FROM answer_lists ORDER BY id")
    assert told == [row for one in addresses for row in (("received", one, None), ("applied", one, one))]
