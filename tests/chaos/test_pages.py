"""The database stopped, then frozen, under people who open pages: a French page soon, and one line a fault."""

import pytest

from benchmarks.faults import pages

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200), pytest.mark.long, pytest.mark.deep]
PEOPLE = 5


def test_pages_say_an_outage_in_time_and_serve_again_by_themselves():
    found = pages.tried(down=7, many=PEOPLE)
    for fault in ("stopped", "frozen"):
        assert (found[f"{fault}_not_ours"], found[f"{fault}_too_slow"]) == (0, 0)
        assert found[f"{fault}_statuses"][503] >= PEOPLE
        assert found[f"{fault}_resumed_within_s"] < 5
        assert found[f"{fault}_log_lines"] <= 4  # two processes, which say that it begins and that it ends
