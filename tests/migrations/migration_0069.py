"""Letters that were withdrawn because their schools are reported as gone count, on the way down, as about no school."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE messages SET reason = 'reported' WHERE id = 2")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT reason FROM messages WHERE id = 2") == ["not_concerned"]
