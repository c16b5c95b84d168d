"""Each wave says which reminder it is; one that was called off does not count."""

from tests.migrations.told import change, copy, values


def before_upgrade(connection):
    copy(connection, "waves", 2, id=93, number=93)
    change(connection, "UPDATE waves SET state = 'cancelled' WHERE id = 2")


def after_upgrade(connection, _before):
    assert values(connection, "SELECT reminder FROM waves ORDER BY number") == [0, 1, 1]
