"""Events of mails written back are lost on the way down, and no other."""

from tests.operations.migrations.told import AT, add, values

FORGETS = ("events",)
FIRST = 990_001
KEPT = {"subject": "authority:1", "at": AT, "data": "{}"}


def before_upgrade(connection):
    add(connection, "events", id=FIRST, kind="response.received", **KEPT)


def before_downgrade(connection):
    add(connection, "events", id=FIRST + 1, kind="reply.received", **KEPT)


def after_downgrade(connection, before):
    assert values(connection, f"SELECT id FROM events WHERE id >= {FIRST} ORDER BY id") == [FIRST]
