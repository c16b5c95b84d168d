"""The way down: a campaign that counts clicks alone counts nothing, as it must not count more."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE campaigns SET tracking = 'clicks' WHERE id = 1")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT tracking FROM campaigns WHERE id = 1") == ["none"]
