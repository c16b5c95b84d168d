"""The draws of a programme are told together once, on the day of their plan, and stay what they were."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from outreach.adherence.models import Strand
from outreach.campaigns.draws.models import DrawAttempt, DrawnEffect
from outreach.campaigns.effects import programme
from outreach.campaigns.effects.locking import EffectState
from outreach.campaigns.effects.programme import ProgrammeDraw
from outreach.campaigns.models import Campaign
from outreach.effect.interval import Interval, interval
from outreach.effect.tables import Counted

ON = date(2022, 5, 11)
FROZEN = datetime(2021, 8, 1, 9, 0, tzinfo=UTC)
COUNTED = {"drawn": [60, 60, 60], "before": [0, 0, 0], "first": [15, 1, 2], "between": [0, 0, 0], "second": [0, 14, 1]}


def drawn(number, frozen_at=FROZEN, window=14, on=ON):
    """A draw of the first strand; None for `frozen_at` where it was interrupted."""
    plan = {"window_days": window, "pool_on": on.isoformat() if on else None}
    attempt = DrawAttempt(plan=json.dumps(plan), seed=f"{number:064x}")
    kept = DrawnEffect(frozen_at=frozen_at, outcome=json.dumps({"strata": [COUNTED]})) if frozen_at else None
    state, figure = (EffectState.READY, Interval(0.2, 0.1, 0.3)) if kept else (EffectState.BLOCKED, None)
    campaign = Campaign(id=number, strand=Strand(number=1))
    return ProgrammeDraw(campaign, attempt, None, "Dit.", state, figure, kept)


def test_a_pool_is_what_the_effect_that_closed_it_keeps():
    first, last = drawn(1), drawn(2, frozen_at=FROZEN + timedelta(days=9))
    kept = {"campaigns": [1, 2], "told": "Ensemble.", "estimate": 0.1, "low": 0.0, "high": 0.2}
    last.kept.outcome = json.dumps({**last.kept.told, "pool": kept})
    assert pools(first, last, day=ON - timedelta(days=1)) == [([1, 2], False)]
    (pool,) = programme.pools_of([first, last], ON)
    assert (pool.told, pool.figure) == ("Ensemble.", (0.1, 0.0, 0.2))


def test_a_pool_of_others_than_those_that_its_last_effect_knew_is_counted():
    last = drawn(2, frozen_at=FROZEN + timedelta(days=9))
    kept = {"campaigns": [2, 7], "told": "Ensemble.", "estimate": 0.1, "low": 0.0, "high": 0.2}
    last.kept.outcome = json.dumps({**last.kept.told, "pool": kept})
    (pool,) = programme.pools_of([drawn(1), last], ON)
    assert pool.told != "Ensemble."


def pools(*draws, day=ON):
    return [(one.campaigns, one.figure is not None) for one in programme.pools_of(draws, day)]


def test_a_pool_stacks_the_tables_of_draws_about_one_strand_and_window():
    (pool,) = programme.pools_of([drawn(1), drawn(2), drawn(3, frozen_at=None), drawn(4, window=21)], ON)
    assert pool.campaigns == [1, 2]
    tables = Counted((60, 60, 60), ((0, 0, 0), (15, 1, 2), (0, 0, 0), (0, 14, 1))).tables
    assert pool.figure == interval([*tables, *tables])
    assert "2 tirages ensemble, 360 PO tirés : entre " in pool.told.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("late", "day", "expected"),
    [
        (FROZEN, ON - timedelta(days=1), [([1, 2], False)]),
        (FROZEN, ON + timedelta(days=400), [([1, 2], True)]),
        (datetime(2022, 5, 12, 9, 0, tzinfo=UTC), ON + timedelta(days=400), [([1], True)]),
    ],
    ids=["before its day", "long after", "frozen after its day"],
)
def test_a_pool_is_shown_from_its_day_on_with_what_was_frozen_by_then(late, day, expected):
    assert pools(drawn(1), drawn(2, frozen_at=late), day=day) == expected


def test_a_draw_whose_plan_names_no_day_is_in_no_pool():
    assert pools(drawn(1, on=None), drawn(2, on=None)) == []
