"""The purpose of a test letter's mailing is no longer called “trial”."""

from tests.migrations.told import values

PURPOSES = "SELECT purpose FROM mailings WHERE id = 1"


def before_upgrade(connection):
    assert values(connection, PURPOSES) == ["trial"]


def after_upgrade(connection, _before):
    assert values(connection, PURPOSES) == ["test"]
