"""Letters that were withdrawn because of an exception count, on the way down, as called off."""

from tests.migrations.told import AT, BY, add, change, values


def before_downgrade(connection):
    change(connection, "UPDATE messages SET reason = 'left_out' WHERE id = 2")
    told = {"title": "x", "kind": "written", "digest": "", "authorities": 1, "at": AT, "actor": BY, "reason": "x"}
    add(connection, "decisions", id=9000, subject="exception:1", **told)


def after_downgrade(connection, _before):
    assert values(connection, "SELECT reason FROM messages WHERE id = 2") == ["cancelled"]
    assert values(connection, "SELECT id FROM decisions WHERE id = 9000") == []
