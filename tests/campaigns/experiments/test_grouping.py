"""What of a draw strangers may read: no side that tells of its authorities."""

from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns.experiments import TwoByTwo, group_strata
from outreach.campaigns.experiments._estimate import total
from outreach.campaigns.experiments._grouping import DrawGroup

SMALLEST = 20
SIDES = st.integers(0, 90).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size)))
TABLES = st.builds(lambda one, other: TwoByTwo(*one, *other), SIDES, SIDES)
LARGE = (TwoByTwo(40, 2, 80, 3), TwoByTwo(30, 1, 31, 2))


def groups(*tables):
    return [DrawGroup((f"S{place}",), both) for place, both in enumerate(tables)]


@given(st.lists(st.tuples(TABLES, TABLES), min_size=1, max_size=9))
def test_strata_are_put_together_until_none_tells_and_each_stands_once(tables):
    strata = groups(*tables)
    kept = group_strata(strata, SMALLEST)
    assert sorted(name for one in kept for name in one.strata) == sorted(name for one in strata for name in one.strata)
    for place in (0, 1):
        assert total(one.tables[place] for one in kept) == total(one.tables[place] for one in strata)
    for one in kept:
        for n1, y1, n0, y0 in one.tables if len(kept) > 1 else ():
            assert min(n1, n0) >= SMALLEST
            assert 0 < y1 < n1
            assert 0 < y0 < n0


def test_a_stratum_of_which_nobody_is_told_stands_alone():
    assert group_strata(groups(LARGE, LARGE), SMALLEST) == groups(LARGE, LARGE)


def test_one_small_stratum_joins_the_smallest_other():
    few, larger = (TwoByTwo(2, 1, 5, 1), TwoByTwo(2, 1, 2, 1)), (TwoByTwo(50, 2, 80, 3), LARGE[1])
    kept = group_strata(groups(larger, few, LARGE), SMALLEST)
    assert [one.strata for one in kept] == [("S0",), ("S1", "S2")]


def test_a_large_stratum_of_which_nobody_joined_does_not_stand_alone():
    nobody = (TwoByTwo(40, 0, 80, 3), LARGE[1])
    assert [one.strata for one in group_strata(groups(nobody, LARGE), SMALLEST)] == [("S0", "S1")]
