import math

import pytest

from benchmarks import effect as simulation
from benchmarks.effect import BASES, EFFECTS, SIZES, Cell, Shape, cells, play, strata_of
from outreach.effect.power import detectable, halves, least, power, thirds, within

CAMPAIGNS, REDRAWS = 50, 199


def chance_of_more(count, of, share):
    """The chance of so many or more among `of`, each with this share."""
    return sum(math.comb(of, one) * share**one * (1 - share) ** (of - one) for one in range(count, of + 1))


def sizes(authorities):
    return [len(stratum.fases) for stratum in strata_of(authorities)]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("authorities", SIZES)
def test_the_power_of_a_plan_is_that_of_simulated_campaigns(authorities, base):
    """The simulated figures are those of docs/effect.md."""
    joins = within(base, 14)
    told = [power(thirds(sizes(authorities), joins), joins, effect) for effect in EFFECTS]
    wanted = simulation.POWER[authorities, base]
    assert [min(one, 0.99) for one in told] == pytest.approx(wanted, abs=simulation.POWER_WITHIN)


def test_more_authorities_detect_less_and_two_halves_less_than_three_thirds():
    few, all_ = detectable(sizes(312)), detectable(sizes(985))
    assert all_.rare < few.rare < few.often
    assert few.rare < few.halves
    assert few.drawn == 305


def test_the_least_effect_is_the_first_that_eight_in_ten_see():
    of_halves = halves(sizes(312))
    found = least(of_halves, 0.01)
    assert power(of_halves, 0.01, found) >= 0.8 > power(of_halves, 0.01, found - 0.001)
    assert least((2, 2), 0.01) == math.inf


@pytest.fixture(scope="module")
def played():
    """Campaigns of some cells, played once."""
    kept = {}

    def one(cell):
        if cell not in kept:
            kept[cell] = play(cell, CAMPAIGNS, REDRAWS)
        return kept[cell]

    return one


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("shape", [Shape.SPREAD, Shape.PRESSED])
def test_campaigns_without_effect_raise_few_alarms_whatever_is_answered(played, base, shape):
    told = played(Cell("null", 312, base, 0, shape))
    alarms = round(told.concluded * CAMPAIGNS)
    assert chance_of_more(alarms, CAMPAIGNS, simulation.MOST_ALARMS) > 1e-3
    assert told.covered == 1 - told.concluded


def test_answers_would_show_an_effect_that_is_none():
    """The same campaigns, had what staff confirmed counted: so the test above can fail."""
    told = play(Cell("null", 985, 0.004, 0, Shape.COUNTED), 10, REDRAWS)
    assert told.concluded == 1
    assert told.mean == pytest.approx(0.048, abs=0.01)


@pytest.mark.parametrize(("shape", "effect"), [(Shape.SPREAD, 0.05), (Shape.AT_ONCE, 0.1), (Shape.FORWARD, 0)])
def test_the_interval_covers_the_effect(played, shape, effect):
    told = played(Cell("shapes", 312, 0.02, effect, shape))
    missed = round((1 - told.covered) * CAMPAIGNS)
    assert chance_of_more(missed, CAMPAIGNS, 0.06) > 1e-3
    assert told.mean == pytest.approx(told.cell.theta, abs=0.01)


def test_survivors_would_hide_a_part_of_an_immediate_effect(played):
    told = played(Cell("shapes", 312, 0.02, 0.1, Shape.AT_ONCE))
    assert told.with_survivors < told.cell.theta - 0.015


def test_each_cell_of_the_table_of_power_is_played():
    assert len([cell for cell in cells() if cell.group == "power"]) == len(SIZES) * len(BASES) * len(EFFECTS)
    faulty = simulation.Played(Cell("power", 312, 0.004, 0.05, wanted=0.91), 500, 0.8, 0.9, 0.05, 0.04)
    assert len(faulty.faults) == 2
    assert simulation.Played(Cell("null", 312, 0.004, 0), 2000, 0.061, 0.95, 0, 0).faults
