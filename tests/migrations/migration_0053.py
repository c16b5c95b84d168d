"""What transitions of campaigns and of added reminders said becomes decisions, with their digests."""

from tests.migrations.told import AT, BY, add, values

LOSES = ("campaign_transitions", "added_reminder_transitions")
SENT_BACK = {"campaign_id": 2, "state": "draft", "at": AT, "actor": BY, "note": "renvoyée à qui l’écrit : trop long"}
CLOSED = {"campaign_id": 2, "state": "closed", "at": AT, "actor": BY, "note": "terminée"}


def before_upgrade(connection):
    for row in (SENT_BACK, CLOSED):
        add(connection, "campaign_transitions", **row, content_hash="a" * 64, authorities=0)


def after_upgrade(connection, before):
    of_campaigns = [row for row in before["campaign_transitions"] if row["state"] != "closed"]
    moved = [(f"campaign:{row['campaign_id']}", row) for row in of_campaigns]
    moved += [(f"reminder:{row['added_reminder_id']}", row) for row in before["added_reminder_transitions"]]
    expected = [(subject, row["content_hash"], row["actor"], row["at"]) for subject, row in moved]
    assert sorted(values(connection, "SELECT subject, digest, actor, at FROM decisions")) == sorted(expected)
    assert values(connection, "SELECT reason FROM decisions WHERE kind = 'sent_back'") == ["trop long"]
    assert values(connection, "SELECT state FROM campaign_transitions") == ["closed"]
