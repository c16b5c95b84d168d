"""A relay that is slow and moody, under a wave, receipts and alerts: nobody lost, nobody twice, and nothing stands."""

import random

import pytest

from benchmarks.faults import BOTH, grudging
from benchmarks.faults.grudging import Mood

pytestmark = [pytest.mark.chaos, pytest.mark.deep, pytest.mark.long, pytest.mark.timeout(300)]
MOOD = Mood(refused=20, late=50, unanswered=100, late_seconds=6)


@pytest.mark.parametrize("database", BOTH)
def test_a_grudging_relay_stops_neither_waves_nor_alerts(database):
    """So few letters are gone before the relay's habits are known, so half of the healthy rate is for the long run."""
    row = grudging.tried(database, 200, random.Random(7), receipts=150, mood=MOOD)
    assert set(row["broken"]) <= {"too slow"}
    assert row["grudging_rate"] > 5  # 2 where each receipt waits for the late connections of others
