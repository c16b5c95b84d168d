"""The way down: a campaign about listed schools concerns open ones."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE campaigns SET concerns = 'listed' WHERE id = 1")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT concerns FROM campaigns WHERE id = 1") == ["open"]
