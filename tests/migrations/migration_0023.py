"""The way down: who had been written to already counts as called off."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE messages SET reason = 'written' WHERE id = 2")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT reason FROM messages WHERE id = 2") == ["cancelled"]
