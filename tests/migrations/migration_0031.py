"""The way down: who was told of an added reminder is no longer known."""

from tests.migrations.told import AT, BY, add, values

REMINDER = {"id": 91, "campaign_id": 1, "state": "draft", "subject": "x", "letter": "x"}
REMINDER |= {"asked_at": AT, "created_at": AT, "created_by": BY}


def before_downgrade(connection):
    add(connection, "added_reminders", **REMINDER)
    moved = {"id": 91, "added_reminder_id": 91, "state": "draft", "at": AT, "actor": BY}
    add(connection, "added_reminder_transitions", **moved, content_hash="0" * 64, authorities=0, note="")
    add(connection, "staff_notices", id=91, user_id=1, reminder_transition_id=91, due_at=AT)


def after_downgrade(connection, before):
    kept = [row["id"] for row in before["staff_notices"] if not row["reminder_transition_id"]]
    assert sorted(values(connection, "SELECT id FROM staff_notices")) == sorted(kept)
    assert 91 in {row["id"] for row in before["staff_notices"]}
