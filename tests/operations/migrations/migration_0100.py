"""The way down: an alert about codes that were tried has no place; others stay."""

from tests.operations.migrations.told import AT, add, values


def before_downgrade(connection):
    for kind in ("codes_guessed", "disk_full"):
        fields = {"subject": "x100", "began_at": AT, "ended_at": AT, "told_began_at": None, "told_ended_at": None}
        add(connection, "alert_episodes", kind=kind, **fields)


def after_downgrade(connection, _before):
    assert values(connection, "SELECT kind FROM alert_episodes WHERE subject = 'x100'") == ["disk_full"]
