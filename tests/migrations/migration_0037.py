"""The way down: a contact from a list counts as one that staff has added."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE contacts SET source = 'list' WHERE id = 1")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT source FROM contacts WHERE id = 1") == ["staff"]
