"""The ticks of axes: round, whole, and no more than there is room for."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.reports.charts import _marks as marks
from outreach.reports.charts._marks import cut, width_of, wrapped

START = date(2026, 9, 14)


@given(st.integers(0, 10**6))
def test_levels_are_equal_whole_steps_from_nothing_to_the_most(most):
    levels = marks.levels(most)
    assert levels[0] == 0
    assert levels[-1] >= most
    assert len({after - before for before, after in pairwise(levels)}) == 1
    assert 2 <= len(levels) <= marks.MOST_STEPS + 1


@pytest.mark.parametrize(
    ("most", "levels"), [(0, [0, 1]), (3, [0, 1, 2, 3]), (57, [0, 20, 40, 60]), (5, [0, 1, 2, 3, 4, 5])]
)
def test_levels_are_round(most, levels):
    assert marks.levels(most) == levels


@given(st.integers(0, 6000), st.integers(2, 12))
def test_days_at_an_axis_are_within_it_and_never_too_many(span, most):
    last = START + timedelta(span)
    days = [day for day, _ in marks.day_ticks(START, last, most)]
    assert len(days) <= most
    assert all(START <= day <= last for day in days)
    assert days == sorted(set(days))


def test_short_spans_name_days_and_long_ones_months():
    assert [label for _, label in marks.day_ticks(START, START + timedelta(30), 4)] == [
        "14 sept.",
        "28 sept.",
        "12 oct.",
    ]
    assert [label for _, label in marks.day_ticks(START, START + timedelta(400), 5)] == [
        "oct. 2026",
        "janv. 2027",
        "avr. 2027",
        "juil. 2027",
        "oct. 2027",
    ]


@given(st.text("ab é…MWi ", max_size=80), st.integers(40, 300))
def test_broken_words_fit_their_room(text, room):
    assert all(width_of(line, 14) <= room for line in wrapped(text, room, 14))
    assert width_of(cut(text, room, 14), 14) <= room
