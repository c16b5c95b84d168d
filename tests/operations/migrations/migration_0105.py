"""A service that sends joinings keeps those of the first programme that was loaded."""

from tests.operations.migrations.told import AT, BY, add, values


def before_upgrade(connection):
    fields = {"told_at": AT, "made_at": AT, "made_by": BY, "ended_at": None, "ended_by": None}
    add(connection, "hook_senders", id=9905, name="x105", public_key=None, salt="x", networks="[]", **fields)


def after_upgrade(connection, _before):
    first = values(connection, "SELECT min(id) FROM programmes")
    assert values(connection, "SELECT programme_id FROM hook_senders WHERE id = 9905") == first != [None]


def after_downgrade(connection, _before):
    assert values(connection, "SELECT id FROM hook_senders WHERE name = 'x105'") == [9905]
