"""The clock and the desk killed between rungs and within them: nobody has two channels for one step, nobody none."""

import random

import pytest

from benchmarks.faults import BOTH, rungs

pytestmark = [pytest.mark.chaos, pytest.mark.deep, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize("database", BOTH)
def test_a_ladder_whose_processes_are_killed_gives_nobody_two_channels_for_one_step(database):
    row = rungs.tried(database, 40, 8, random.Random(7), durable=False)
    assert (row["kills"] >= 8, row["steps"] > 40) == (True, True)
    assert row["broken"] == []
