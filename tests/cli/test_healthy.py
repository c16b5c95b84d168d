"""`healthy work`: whether this installation's clock passes; another machine's does not count."""

import json
from datetime import timedelta

import pytest

from outreach.delivery import workers
from tests.commands import invoke
from tests.conftest import NOW, PLACE


@pytest.fixture
def ask(database, settings):
    def ask():
        outcome = invoke(database, settings, "healthy", "work", "--json")
        return outcome.exit_code, json.loads(outcome.stdout)

    return ask


def test_work_is_well_while_the_clock_of_this_installation_passes(ask, database, settings):
    here = workers.place_of(settings.data)
    assert ask() == (1, {"ok": False, "installation": here, "clock": None})
    for place, seconds, status in ((PLACE, 0, 1), (here, 29, 0), (here, 31, 1)):
        with database.writing() as session:
            workers.clock_passed(session, "Rien ne part.", place=place, now=NOW - timedelta(seconds=seconds))
        assert ask()[0] == status, (place, seconds)
