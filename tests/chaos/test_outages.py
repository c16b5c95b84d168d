"""The database gone, or without room: nobody lost, nobody written twice, and it goes on with no hand on anything."""

import random

import pytest

from benchmarks.faults import FAULTS, outages, processes
from benchmarks.faults.ground import may_mount, prepared

pytestmark = pytest.mark.timeout(300)
CHANCE = random.Random(7)


def test_a_server_that_crashes_and_comes_back_finds_its_workers_at_work():
    with prepared(FAULTS["crash"], "postgresql", 1200, durable=False) as ground:
        outages.crash(ground, CHANCE, hows=("crash",), down=(1,))
        goes_on_by_itself(ground, 1200)


@pytest.mark.skipif(not may_mount(), reason="a small disk is mounted by root")
def test_a_disk_that_gets_full_holds_letters_up_until_there_is_room():
    with prepared(FAULTS["full"], "sqlite", 1200, durable=False) as ground:
        outages.full(ground, CHANCE, longer=(0,))
        goes_on_by_itself(ground, 1200)


def goes_on_by_itself(ground, recipients):
    assert ground.taken() < recipients, "the wave ended before it was broken: nothing was proved"
    assert max(ground.resumed) < 60
    ground.relay.script()
    processes.finish(ground)
    assert ground.fallen() == 0
    assert ground.reckon(recipients) == 0
