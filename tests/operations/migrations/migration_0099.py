"""What was there is no news to administrators; a line of the trail has no place on the way down, others stay."""

from tests.operations.migrations.told import AT, BY, add, change, values


def before_upgrade(connection):
    made = {"name": "x99", "made_at": AT, "made_by": BY, "ended_at": None, "ended_by": None}
    add(connection, "hook_senders", id=9901, public_key=None, salt="x", networks="[]", **made)
    failing = {"failures": 0, "failing_since": None, "next_at": AT, "said": "", "delivered_at": None}
    add(connection, "push_targets", id=9901, url="https://x.example/", after=0, **failing, **made)


def after_upgrade(connection, _before):
    for table in ("hook_senders", "push_targets"):
        assert values(connection, f"SELECT id FROM {table} WHERE told_at IS NULL") == []


def before_downgrade(connection):
    for kind in ("feed_made", "exported"):
        add(connection, "trail_entries", at=AT, kind=kind, person="x99", detail="")
    change(connection, "UPDATE push_targets SET told_at = NULL WHERE id = 9901")


def after_downgrade(connection, _before):
    assert values(connection, "SELECT kind FROM trail_entries WHERE person = 'x99'") == ["exported"]
    assert values(connection, "SELECT id FROM push_targets WHERE name = 'x99'") == [9901]
