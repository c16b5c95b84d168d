"""What happened before the feed is told as events, in the order of time, without an address."""

import json
from collections import Counter

from tests.migrations.told import values

COUNTED = {
    "adherence.recorded": "adherence_records",
    "adherence.withdrawn": "record_withdrawals",
    "response.received": "responses",
    "register.school": "schools",
    "register.authority": "authorities",
    "programme.stated": "programmes",
    "address.excluded": "suppressions",
    "note.published": "note_publications",
}


def after_upgrade(connection, before):
    told = values(connection, "SELECT kind, data, at FROM events ORDER BY id")
    kinds = Counter(kind for kind, _, _ in told)
    assert {kind: kinds[kind] for kind in COUNTED} == {kind: len(before[table]) for kind, table in COUNTED.items()}
    assert [at for _, _, at in told] == sorted(at for _, _, at in told)
    assert not any("@" in data for _, data, _ in told)
    for kind, data, _ in told:
        if kind == "register.school":
            assert set(json.loads(data)) == {"school", "listings", "teachings"}
    assert values(connection, "SELECT count(*) FROM events WHERE number IS NOT NULL") == [0]
