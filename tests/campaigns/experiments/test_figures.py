import math
import time
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns.experiments import TwoByTwo
from outreach.campaigns.experiments import _estimate as estimate
from outreach.campaigns.experiments._design import Counted, DrawnStratum, Period, Windows, counted, first_joinings
from outreach.campaigns.experiments._estimate import (
    Interval,
    Side,
    difference,
    effect,
    interval,
    p_value,
    widened,
    wilson,
)

DAY = date(2026, 3, 2)
NOBODY = (0, 0, 0)
SEED = b"a seed"


def sides(least=1):
    return st.integers(least, 400).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size)))


@given(sides(), sides())
def test_with_one_table_the_interval_is_newcombes(one, other):
    from statsmodels.stats.proportion import confint_proportions_2indep

    (n1, y1), (n0, y0) = one, other
    figure = interval([TwoByTwo(n1, y1, n0, y0)])
    expected = confint_proportions_2indep(y1, n1, y0, n0, compare="diff", method="newcomb")
    assert (figure.low, figure.high) == pytest.approx(expected, abs=1e-9)
    assert figure.estimate == pytest.approx(y1 / n1 - y0 / n0)


@given(sides())
def test_the_limits_of_a_share_are_wilsons(side):
    from statsmodels.stats.proportion import proportion_confint

    size, joined = side
    assert wilson(Side(joined / size, size)) == pytest.approx(
        proportion_confint(joined, size, method="wilson"), abs=1e-9
    )


TABLES = st.builds(lambda one, other: TwoByTwo(*one, *other), sides(), sides())


@given(st.lists(TABLES, min_size=1, max_size=8))
def test_weights_and_effective_sizes_are_those_of_the_rule(tables):
    weights = [n1 * n0 / (n1 + n0) for n1, _, n0, _ in tables]
    shares = [weight / sum(weights) for weight in weights]
    p1 = sum(share * y1 / n1 for share, (n1, y1, _, _) in zip(shares, tables, strict=True))
    p0 = sum(share * y0 / n0 for share, (_, _, n0, y0) in zip(shares, tables, strict=True))
    m1 = 1 / sum(share**2 / n1 for share, (n1, _, _, _) in zip(shares, tables, strict=True))
    m0 = 1 / sum(share**2 / n0 for share, (_, _, n0, _) in zip(shares, tables, strict=True))
    assert interval(tables) == pytest.approx(difference(Side(p1, m1), Side(p0, m0)))


@given(st.lists(TABLES, max_size=4), st.integers(0, 9))
def test_an_empty_side_weighs_nothing(tables, size):
    assert interval([*tables, TwoByTwo(size, 0, 0, 0), TwoByTwo(0, 0, size, size)]) == interval(tables)


def test_without_two_sides_there_is_no_figure():
    assert interval([TwoByTwo(3, 1, 0, 0)]) is None
    assert effect([Counted((4, 0, 0), (NOBODY,) * 4)]) is None


def test_departure_1_stands_against_2_and_3_then_2_against_3_among_those_left():
    stratum = Counted((10, 9, 8), ((1, 1, 0), (4, 2, 1), (0, 1, 2), (3, 2, 1)))
    assert stratum.tables == (TwoByTwo(9, 4, 16, 3), TwoByTwo(5, 2, 5, 1))


def test_a_joining_on_a_departures_day_belongs_to_the_period_that_it_opens():
    days = {-1: "BEFORE", 0: "FIRST", 13: "FIRST", 14: "SECOND", 27: "SECOND", 28: "AFTER"}
    assert {day: Windows().period(day).name for day in days} == days
    moved = {14: Period.BETWEEN, 16: Period.BETWEEN, 17: Period.SECOND, 30: Period.SECOND, 31: Period.AFTER}
    assert {day: Windows(14, 17).period(day) for day in moved} == moved
    with pytest.raises(ValueError, match="departure 2"):
        Windows(14, 13)


def test_the_first_school_that_joins_counts():
    told = [(9001, DAY + timedelta(9)), (9001, DAY + timedelta(5)), (9003, DAY - timedelta(4))]
    assert first_joinings(told, DAY) == {9001: 5, 9003: -4}


def test_authorities_are_counted_by_stratum_departure_and_period():
    strata = [DrawnStratum("a", (1, 2, 3, 4, 5, 6, 7)), DrawnStratum("b", (8, 9, 10))]
    joined = {1: 0, 4: 13, 2: 14, 3: -1, 9: 27, 10: 28, 999: 3}
    first, second = counted(strata, joined, Windows())
    assert first == Counted((3, 2, 2), ((0, 0, 1), (2, 0, 0), NOBODY, (0, 1, 0)))
    assert second == Counted((1, 1, 1), (NOBODY, NOBODY, NOBODY, (0, 1, 0)))


def error(share, draws=9_999):
    """Four standard errors of a share that so many draws tell."""
    return 4 * (share * (1 - share) / draws) ** 0.5 + 2 / draws


@pytest.mark.parametrize(("written", "waiting"), [(6, 0), (5, 1), (9, 3), (2, 2), (0, 4)])
def test_redraws_of_two_equal_sides_are_fishers_exact_test(written, waiting):
    """Without a third departure there is one table, and |θ| orders as the probabilities do."""
    joined = written + waiting
    ways = {one: math.comb(15, one) * math.comb(15, joined - one) for one in range(joined + 1)}
    exact = sum(number for number in ways.values() if number <= ways[written]) / math.comb(30, joined)
    told = p_value([Counted((15, 15, 0), (NOBODY, (written, waiting, 0), NOBODY, NOBODY))], SEED)
    assert told == pytest.approx(exact, abs=error(exact))


@pytest.mark.parametrize("first", [(3, 0, 0), (4, 1, 0), (2, 1, 2), (0, 2, 2)])
def test_redraws_of_three_departures_are_the_share_of_all_ways_to_draw(first):
    """All ways are counted: how many of the joined each departure may get."""

    def stratum(one, two):
        return Counted((12, 12, 12), (NOBODY, (one, two, sum(first) - one - two), NOBODY, NOBODY))

    def size(one, two):
        return abs(interval(stratum(one, two).tables).estimate)

    joined = sum(first)
    every = [(one, two) for one in range(joined + 1) for two in range(joined + 1 - one)]
    ways = {key: math.comb(12, key[0]) * math.comb(12, key[1]) * math.comb(12, joined - sum(key)) for key in every}
    assert sum(ways.values()) == math.comb(36, joined)
    as_large = sum(count for key, count in ways.items() if size(*key) >= size(*first[:2]) - 1e-12)
    exact = as_large / math.comb(36, joined)
    assert p_value([stratum(*first[:2])], SEED) == pytest.approx(exact, abs=error(exact))


def test_one_word_follows_from_the_interval():
    clear = effect([Counted((40, 40, 40), (NOBODY, (15, 1, 1), NOBODY, (0, 14, 1)))])
    assert (clear.figure.word, clear.drawn) == ("Oui.", 120)
    assert (clear.first, clear.second) == (TwoByTwo(40, 15, 80, 2), TwoByTwo(39, 14, 39, 1))
    none = effect([Counted((40, 40, 40), (NOBODY, (3, 2, 3), NOBODY, (0, 3, 2)))])
    assert none.figure.word == "On ne peut pas conclure."
    assert none.figure.low < 0 < none.figure.high
    against = effect([Counted((40, 40, 40), (NOBODY, (0, 15, 15), NOBODY, (0, 0, 10)))])
    assert against.figure.word == "Non, au contraire."


def test_where_a_plan_says_so_an_interval_that_redraws_do_not_confirm_is_widened_to_zero(monkeypatch):
    stratum = Counted((40, 40, 40), (NOBODY, (15, 1, 1), NOBODY, (0, 14, 1)))
    plain = interval(stratum.tables)
    assert effect([stratum], SEED) == effect([stratum])
    monkeypatch.setattr(estimate, "p_value", lambda *_: 0.0501)
    assert effect([stratum]).figure == plain
    told = effect([stratum], SEED)
    assert told.figure.word == "On ne peut pas conclure."
    assert told.figure == Interval(plain.estimate, 0.0, plain.high)
    assert widened(Interval(-0.05, -0.08, -0.01)) == Interval(-0.05, -0.08, 0.0)
    assert widened(Interval(0.01, -0.01, 0.03)) == Interval(0.01, -0.01, 0.03)


@pytest.mark.deep
def test_redraws_of_a_whole_register_take_three_seconds_at_most():
    """985 authorities, one in six of which joins."""
    strata = [Counted((55, 55, 54), (NOBODY, (9, 4, 4), NOBODY, (0, 8, 4)))] * 6
    before = time.process_time()
    p_value(strata, SEED)
    assert time.process_time() - before <= 3
