"""An account from before was accepted when it was made; the way down forgets who let a response go."""

from tests.migrations.told import AT, BY, add, values


def after_upgrade(connection, _before):
    found = values(connection, "SELECT accepted_at, created_at FROM users")
    assert found
    assert all(accepted == created for accepted, created in found)


def before_downgrade(connection):
    add(connection, "response_steps", response_id=1, step="released", at=AT, actor=BY, note="")


def after_downgrade(connection, before):
    assert len(values(connection, "SELECT id FROM response_steps")) == len(before["response_steps"]) - 1
