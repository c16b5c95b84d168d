"""The way down: an alert about a program that is pushed events has no place; others stay."""

from tests.migrations.told import AT, add, values


def before_downgrade(connection):
    for kind in ("push_given_up", "disk_full"):
        told = {"subject": "x88", "began_at": AT, "ended_at": AT, "told_began_at": None, "told_ended_at": None}
        add(connection, "alert_episodes", kind=kind, **told)


def after_downgrade(connection, _before):
    assert values(connection, "SELECT kind FROM alert_episodes WHERE subject = 'x88'") == ["disk_full"]
