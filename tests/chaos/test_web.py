"""The web process killed under load, its database stopped: what it answered is stored, each hit once."""

import random

import pytest

from benchmarks.faults import BOTH, web

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300), pytest.mark.long]


@pytest.mark.parametrize(
    "database", [one if one == "postgresql" else pytest.param(one, marks=pytest.mark.deep) for one in BOTH]
)
def test_hits_that_were_answered_outlive_the_web_process_and_a_stop_of_the_database(database, monkeypatch):
    monkeypatch.setattr(web, "RECIPIENTS", 120)
    monkeypatch.setattr(web, "ALONE", 50)
    monkeypatch.setattr(web, "READERS", 3)  # as many more take the processors from what they ask
    found = web.tried(database, 2, random.Random(7), down=2, durable=False)
    assert found["answered"] > 500
    assert (found["lost"], found["duplicated"], found["unmoved"]) == (0, 0, 0)
