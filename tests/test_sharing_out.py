"""How a run's tests are shared out among its workers."""

import pytest

from tests.conftest import spread


@pytest.mark.parametrize("workers", [1, 2, 6])
@pytest.mark.parametrize("long", [0, 1, 5, 17])
def test_no_worker_ends_with_a_test_that_takes_long_and_none_is_lost(workers, long):
    tests = [*range(300), *(f"long {number}" for number in range(long)), *range(300, 600)]
    told = spread(tests, workers, lambda one: isinstance(one, str))
    assert sorted(map(str, told)) == sorted(map(str, tests))
    assert [one for one in told if isinstance(one, int)] == [*range(600)]
    share = len(told) // workers
    for start in range(0, share * workers, share):
        theirs = [isinstance(one, str) for one in told[start : start + share]]
        assert long // workers - 1 <= sum(theirs) <= long // workers + 1
        assert not any(theirs[share * 4 // 5 :])


def test_tests_that_take_long_do_not_begin_together():
    told = spread([*range(600), *(f"long {number}" for number in range(12))], 6, lambda one: isinstance(one, str))
    places = [place % 102 for place, one in enumerate(told) if isinstance(one, str)]
    assert len(set(places)) == len(places)


def test_small_runs_are_shared_out_as_well():
    assert spread(["long"], 4, lambda one: isinstance(one, str)) == ["long"]
    assert spread([], 4, lambda _one: True) == []
