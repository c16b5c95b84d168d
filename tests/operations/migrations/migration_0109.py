"""Plays of campaigns go; each is a sentence of its campaign's journal, which the way down leaves there."""

import json

from tests.operations.migrations.told import AT, BY, add, values

LOSES, GAINS = ("campaign_rehearsals",), ("campaign_transitions",)
FORGETS = ("campaign_rehearsals", "campaign_transitions")
JOURNAL = "SELECT campaign_id, actor, content_hash, note FROM campaign_transitions WHERE note LIKE 'répétée 199 fois%'"


def before_upgrade(connection):
    outcome = {"joined": {"low": 7, "middle": 30, "high": 1250}, "deadline": "2021-06-18", "values": []}
    fields = {"content_digest": "c" * 64, "audience_digest": "a" * 64, "outcome": json.dumps(outcome)}
    add(connection, "campaign_rehearsals", id=9909, campaign_id=1, at=AT, played_by=BY, **fields)


def after_upgrade(connection, before):
    plays = [(row["campaign_id"], row["played_by"], row["content_digest"]) for row in before["campaign_rehearsals"]]
    journal = values(connection, JOURNAL)
    assert sorted(each[:3] for each in journal) == sorted(plays)
    (told,) = (note for _, _, digest, note in journal if digest == "c" * 64)
    assert told == (
        "répétée 199 fois : de 7 à 1\u202f250 PO auraient une adhésion confirmée au 18/06/2021, 4 fois sur 5"
    )


def after_downgrade(connection, _before):
    assert values(connection, "SELECT id FROM campaign_rehearsals") == []
    assert values(connection, JOURNAL) != []
