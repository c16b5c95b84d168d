"""Events that name a strand name its programme, and lose it on the way back; all others stay as they are."""

import json

from tests.operations.migrations.told import AT, add, values

KINDS = "('adherence.withdrawn', 'response.received', 'wave.launched', 'wave.ended', 'wave.reopened', 'wave.cancelled')"
NAMED = (("adherence_records", "record"), ("responses", "response"), ("campaigns", "campaign"))
KIND = {"record": "adherence.withdrawn", "response": "response.received", "campaign": "wave.cancelled"}
ADDED, LOST = range(970_000, 970_006), 970_006


def before_upgrade(connection):
    """An event of the first and of the last row of each kind, and one whose row is no longer there."""
    at = iter(ADDED)
    for table, key in NAMED:
        for which in ("min", "max"):
            (number,) = values(connection, f"SELECT {which}(id) FROM {table}")
            add(connection, "events", id=next(at), kind=KIND[key], subject="x", at=AT, data=_told(key, number))
    add(connection, "events", id=LOST, kind="wave.ended", subject="x", at=AT, data=_told("campaign", 10**8))


def _told(key, number):
    """What an event said before."""
    more = {"record": {"school": 1}, "response": {"authority": 1}, "campaign": {"wave": 1}}[key]
    after = {"answer": "joined", "schools": [1]} if key == "response" else {}
    return json.dumps({key: number, **more, "strand": 1, **after})


def after_upgrade(connection, before):
    codes = {}
    for table, key in NAMED:
        query = f"SELECT t.id, p.code FROM {table} t JOIN strands s ON s.id = t.strand_id"
        codes[key] = dict(values(connection, f"{query} JOIN programmes p ON p.id = s.programme_id"))
    was = {row["id"]: row["data"] for row in before["events"]}
    seen = set()
    for number, data in values(connection, f"SELECT id, data FROM events WHERE kind IN {KINDS}"):
        now, old = json.loads(data), json.loads(was[number])
        key = next(key for _, key in NAMED if key in now)
        if number != LOST:
            assert now.pop("programme") == codes[key][now[key]]
            seen.add(number)
        assert now == old
    assert seen >= {*ADDED}
    others = values(connection, f"SELECT id, data FROM events WHERE kind NOT IN {KINDS}")
    assert all(was[number] == data for number, data in others)


def before_downgrade(_connection):
    """Nothing else is to be seen to."""


def after_downgrade(connection, _before):
    assert not values(connection, f"SELECT id FROM events WHERE kind IN {KINDS} AND data LIKE '%programme%'")
