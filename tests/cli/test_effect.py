"""`campaign effect`: locked until a list covers the compared days, then computed once and frozen."""

import json
from datetime import timedelta
from functools import partial

import pytest

from outreach.core.text.dates import today
from tests.campaigns.conftest import people, strand
from tests.campaigns.effects.drawn import LEFT, departures, draw, leave, tell
from tests.commands import invoke

__all__ = ["people", "strand"]
KEYS = ["programme", "strand", "state", "estimate", "low", "high", "told"]
LAST = today(LEFT) + timedelta(days=27 + 14)  # the last compared day and 14 more
AFTER = LEFT + timedelta(days=60)


@pytest.fixture
def run(database, people, strand):
    """Run `campaign effect` of a campaign, with more words."""

    return partial(invoke, database, {}, "campaign", "effect", now=AFTER)


@pytest.mark.long
@pytest.mark.postgresql
def test_an_effect_is_locked_then_computed_once_and_stays_what_it_was(run, database):
    number = draw(database)
    for departure in (1, 2, 3):
        leave(database, number, departure)
    one, two, three = departures(database, number)
    locked = json.loads(run(number, "--json").stdout)
    assert (list(locked), locked["state"]) == (KEYS, "locked")
    assert [locked[name] for name in ("estimate", "low", "high")] == [None] * 3
    assert "Le chiffre attend la première liste" in locked["told"]
    joined = dict.fromkeys(one[:15], today(LEFT)) | {two[0]: today(LEFT)}
    tell(database, joined, LAST, at=AFTER - timedelta(days=1))
    ready = json.loads(run(number, "--json").stdout)
    assert (list(ready), ready["state"]) == (KEYS, "ready")
    assert 0 < ready["low"] < ready["estimate"] < ready["high"] < 1
    assert ready["told"].startswith("Oui. Dans les 14")
    tell(database, dict.fromkeys(three[:20], today(LEFT)), LAST, at=AFTER)
    assert json.loads(run(number, "--json").stdout) == ready
    called, said = run(number).output.split("\n", 1)
    assert (called.endswith(", volet 1."), said.startswith("Prêt. ")) == (True, True)
