import math

import pytest

from benchmarks import effect as simulation
from benchmarks.effect import BASES, Cell, Shape, play

CAMPAIGNS = 200


def chance_of_more(count, of, share):
    """The chance of so many or more among `of`, each with this share."""
    return sum(math.comb(of, one) * share**one * (1 - share) ** (of - one) for one in range(count, of + 1))


@pytest.fixture(scope="module")
def played():
    """Campaigns of some cells, played once."""
    kept = {}

    def one(cell):
        if cell not in kept:
            kept[cell] = play(cell, CAMPAIGNS)
        return kept[cell]

    return one


@pytest.mark.one_example
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("shape", [Shape.SPREAD, Shape.TOGETHER])
def test_campaigns_without_effect_raise_few_alarms_by_the_interval_alone(played, base, shape):
    told = played(Cell("null", 312, base, 0, shape))
    alarms = round(told.concluded * CAMPAIGNS)
    assert chance_of_more(alarms, CAMPAIGNS, simulation.MOST_ALARMS) > 1e-3
    assert told.covered == 1 - told.concluded


def test_a_letter_that_does_something_is_seen():
    """So the test above can fail."""
    assert play(Cell("shapes", 985, 0.004, 0.1, Shape.AT_ONCE), 10).concluded == 1


@pytest.mark.parametrize(("shape", "effect"), [(Shape.SPREAD, 0.05), (Shape.AT_ONCE, 0.1), (Shape.FORWARD, 0)])
def test_the_interval_covers_the_effect(played, shape, effect):
    told = played(Cell("shapes", 312, 0.02, effect, shape))
    missed = round((1 - told.covered) * CAMPAIGNS)
    assert chance_of_more(missed, CAMPAIGNS, 0.06) > 1e-3
    assert told.mean == pytest.approx(told.cell.theta, abs=0.01)


def test_survivors_would_hide_a_part_of_an_immediate_effect(played):
    told = played(Cell("shapes", 312, 0.02, 0.1, Shape.AT_ONCE))
    assert told.with_survivors < told.cell.theta - 0.015


def test_what_a_cell_misses_is_named():
    assert len(simulation.Played(Cell("null", 312, 0.004, 0), 2000, 0.061, 0.92, 0, 0).faults) == 2
    assert simulation.Played(Cell("null", 312, 0.004, 0), 2000, 0.05, 0.95, 0, 0).faults == []
