"""The database gone, locked or full, or a relay that refuses: nobody lost, nobody written twice, and no hand on it."""

import random
from dataclasses import replace

import pytest

from benchmarks.faults import BOTH, FAULTS, outages, processes
from benchmarks.faults.ground import may_mount, prepared

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(300)]
CHANCE = random.Random(7)


@pytest.mark.deep
def test_a_server_that_crashes_and_comes_back_finds_its_workers_at_work():
    with prepared(FAULTS["crash"], "postgresql", 1200, durable=False) as ground:
        outages.crash(ground, CHANCE, hows=("crash",), down=(1,))
        goes_on_by_itself(ground, 1200)


def test_a_database_that_is_locked_for_longer_than_a_statement_waits_is_waited_for():
    with prepared(FAULTS["locked"], "sqlite", 1200, durable=False) as ground:
        outages.locked(ground, CHANCE, seconds=(16,))
        goes_on_by_itself(ground, 1200)


@pytest.mark.parametrize("database", BOTH)
def test_kills_while_a_relay_refuses_puts_off_and_breaks_off_lose_nobody(database):
    storm = tuple({**rule, "times": 3} if "times" in rule else rule for rule in FAULTS["storm"].relay)
    with prepared(replace(FAULTS["storm"], relay=storm), database, 800, durable=False) as ground:
        for _ in range(3):
            processes.kill(ground, CHANCE)
        assert ground.taken() < 650, "the wave ended before it was broken: nothing was proved"
        processes.finish(ground)
        assert ground.fallen() == 0
        assert ground.reckon(800) > 0


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
