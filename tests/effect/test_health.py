from datetime import date, timedelta

import pytest

from outreach.effect import health
from outreach.effect.health import Block, Crowd

DAY = date(2026, 3, 2)


def test_what_blocks_a_figure_is_named():
    assert health.blocks(replays=True, is_covered=True, departures_left=2) == []
    assert health.blocks(replays=False, is_covered=False, departures_left=1) == list(Block)
    assert all(block.label.endswith(".") for block in Block)


@pytest.mark.parametrize(("early", "is_red"), [(0, False), (5, False), (6, True)])
def test_more_than_one_in_twenty_before_their_turn_are_many(early, is_red):
    assert health.are_many_early(early, 100) is is_red


@pytest.mark.parametrize(
    ("on_one_day", "others", "is_crowd"),
    [(8, 11, True), (7, 2, False), (8, 12, False), (40, 60, False), (41, 59, True)],
)
def test_a_day_with_eight_joinings_and_two_fifths_of_them_is_a_crowd(on_one_day, others, is_crowd):
    days = [DAY] * on_one_day + [DAY + timedelta(1 + place) for place in range(others)]
    assert health.crowd(days) == (Crowd(DAY, on_one_day, on_one_day + others) if is_crowd else None)


def test_nobody_is_no_crowd():
    assert health.crowd([]) is None
