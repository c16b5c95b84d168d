"""Letters that another campaign's draw left out count, on the way down, as those of whoever is written to often."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE messages SET reason = 'drawn' WHERE id = 2")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT reason FROM messages WHERE id = 2") == ["solicited"]
