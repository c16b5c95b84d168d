"""Periods of the register stay as they were; on the way down, what undone editions had stated is lost."""

from tests.operations.migrations.told import AT, add, values

KEPT = 120010


def after_upgrade(connection, before):
    for table in ("listings", "teachings", "school_sites", "memberships"):
        assert values(connection, f"SELECT count(*) FROM {table} WHERE undone_at IS NULL") == [len(before[table])]


def before_downgrade(connection):
    query = "SELECT school_id, authority_id, opened_by FROM listings ORDER BY id LIMIT 1"
    ((school, authority, edition),) = values(connection, query)
    kept = {"since": "2021-05-01", "until": "0001-01-01", "opened_by": edition, "undone_at": AT}
    add(connection, "listings", id=KEPT, school_id=school, authority_id=authority, **kept)


def after_downgrade(connection, before):
    assert values(connection, f"SELECT id FROM listings WHERE id = {KEPT}") == []
