"""Keys that wrote in the last 90 days keep writing, and await being told; all others read."""

from datetime import UTC, datetime, timedelta

from tests.operations.migrations.told import AT, BY, add, copy, values


def _days(count):
    """A moment so many days from now, as the database holds it."""
    return (datetime.now(UTC) + timedelta(days=count)).strftime("%Y-%m-%d %H:%M:%S.%f")


NOW = _days(0)
WROTE = {9701: _days(-89), 9702: _days(-91)}  # by the lists that they sent
REMEMBERED, READS, MEMBERS = 9703, 9704, 9705
WRITING = "SELECT id, writing, told_at FROM api_keys WHERE id BETWEEN 9701 AND 9705 ORDER BY id"


def before_upgrade(connection):
    (any_list,) = values(connection, "SELECT min(id) FROM joining_lists")
    for number in range(9701, 9706):
        scope = {"role": "federation", "scope": "x97"} if number == MEMBERS else {"role": "reader", "scope": None}
        expires = {"made_at": AT, "made_by": BY, "expires_at": _days(30), "last_used_at": NOW}
        ended = {"ended_at": None, "ended_by": None}
        add(
            connection,
            "api_keys",
            id=number,
            digest=bytes([number % 256]) * 32,
            name="x97",
            **scope,
            **expires,
            **ended,
        )
    for number, at in WROTE.items():
        copy(connection, "joining_lists", any_list, id=number, received_by=f"api_key:{number}", received_at=at)
    for number in (REMEMBERED, MEMBERS):
        add(connection, "api_writes", id=number, key_id=number, name="x97", body="x", answer="{}", at=NOW)


def after_upgrade(connection, _before):
    told = [(number, "kept" if number in {9701, REMEMBERED} else "no", None) for number in range(9701, 9706)]
    assert values(connection, WRITING) == told


def before_downgrade(connection):
    connection.exec_driver_sql("UPDATE api_keys SET writing = 'given' WHERE id = 9704")


def after_downgrade(connection, _before):
    assert len(values(connection, "SELECT id FROM api_keys WHERE id BETWEEN 9701 AND 9705")) == 5
