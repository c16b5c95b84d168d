"""The way down: an alert about restores has no place; the others stay."""

from tests.migrations.told import AT, add, values


def before_downgrade(connection):
    episode = {
        "subject": "here:/nowhere",
        "began_at": AT,
        "ended_at": None,
        "told_began_at": None,
        "told_ended_at": None,
    }
    for kind in ("restore_unproven", "disk_full"):
        add(connection, "alert_episodes", **episode, kind=kind)
    add(connection, "rehearsals", at=AT, file="x", made_at=AT, outcome="proven", told="", seconds=1)


def after_downgrade(connection, before):
    kinds = values(connection, "SELECT kind FROM alert_episodes")
    assert "disk_full" in kinds
    assert len(kinds) == len(before["alert_episodes"]) - 1
