"""Clocks that are wrong, and the night when they are put back: nobody lost, nobody written twice."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.faults import FAULTS, processes
from benchmarks.faults.ground import prepared

pytestmark = [pytest.mark.chaos, pytest.mark.long, pytest.mark.timeout(300)]
MINUTE = timedelta(minutes=1)


def test_a_wave_goes_on_through_the_night_that_has_an_hour_twice():
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    with prepared(FAULTS["crash"], "sqlite", 150, durable=False, offset=change - MINUTE - datetime.now(UTC)) as night:
        first = night.start_beside()
        night.let_leave(20)
        night.stop(first)
        assert 0 < night.taken() < 150
        assert night.now < change
        night.offset += MINUTE
        night.finish()
        assert night.reckon(150) == 0
        assert night.taken() == 150


@pytest.mark.deep
def test_two_hours_between_the_clocks_of_two_machines_lose_nobody_and_write_to_nobody_twice():
    with prepared(FAULTS["skew"], "sqlite", 800, durable=False) as ground:
        for way in (processes.AWAY, -processes.AWAY):
            processes.skew(ground, random.Random(7), (way,))
        assert not ground.is_finished()
        ground.relay.script()
        processes.finish(ground)
        ground.reckon(800)
