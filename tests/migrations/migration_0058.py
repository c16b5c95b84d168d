"""Drafts of campaigns' steps become drafts of any form; on the way down the last typed of each step goes back."""

from tests.migrations.told import AT, add, change, values

LOSES = ("step_drafts",)
LATER = "2021-05-19 09:00:00.000000"


def before_upgrade(connection):
    add(connection, "step_drafts", campaign_id=1, user_id=1, step="dates", typed_at=AT, fields="[]")


def after_upgrade(connection, before):
    steps = [(row["user_id"], f"campaign:{row['campaign_id']}:{row['step']}") for row in before["step_drafts"]]
    moved = values(connection, "SELECT user_id, subject, page, fields FROM drafts")
    assert sorted(row[:2] for row in moved) == sorted(steps)
    assert (1, "campaign:1:dates", 1, "[]") in moved


def before_downgrade(connection):
    change(connection, "DELETE FROM drafts")
    for subject, page, at in (("campaign:1:dates", 9, AT), ("campaign:1:dates", 7, LATER), ("note:new", 1, AT)):
        add(connection, "drafts", user_id=1, subject=subject, page=page, typed_at=at, fields=str(page))


def after_downgrade(connection, _before):
    assert values(connection, "SELECT campaign_id, user_id, step, fields FROM step_drafts") == [(1, 1, "dates", "7")]
