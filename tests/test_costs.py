"""What a run says of tests that cost too much."""

import tomllib

import pytest

from tests import costs

BUDGET = {"web": 100, "mail": 20}


class Item:
    def __init__(self, *marks):
        self.marks, self.nodeid = marks, "tests/web/test_a.py::test_b"

    def get_closest_marker(self, name):
        return name in self.marks


def ran(item, asked):
    """Run the body of a test that asks so often."""
    body = costs.Costs(None).pytest_runtest_call(item)
    next(body)
    costs.asked = asked
    try:
        body.send(None)
    except StopIteration:
        return
    finally:
        costs.asked = 0  # the test that this is asks for none


def test_a_folder_may_cost_a_quarter_more_than_its_budget():
    assert costs.over({"web": 125, "mail": 3}, BUDGET) == []
    (said,) = costs.over({"web": 126, "mail": 3}, BUDGET)
    assert said.startswith("tests/web costs 126 times the calibration, and may cost 100")


def test_a_folder_without_a_budget_is_named():
    assert costs.over({"new": 1}, BUDGET) == ["tests/new has no budget in design/budget.toml"]


def test_each_folder_of_tests_has_a_budget_and_no_other():
    tests = costs.BUDGET.parents[1] / "tests"
    folders = {costs.folder_of(str(path.relative_to(tests.parent))) for path in tests.rglob("test_*.py")}
    assert folders == set(tomllib.loads(costs.BUDGET.read_text())["processor"])


def test_what_the_last_test_takes_down_of_all_is_no_cost_of_its_own():
    costs_of = costs.Costs(None)
    costs_of.next_piece = float("inf")
    run = costs_of.pytest_runtest_protocol(Item())
    next(run)
    costs_of.pytest_runtest_teardown(None)
    costs.piece()
    with pytest.raises(StopIteration):
        run.send(None)
    assert costs_of.tests[Item().nodeid][0] < (costs.used()[0] - costs_of.ended[0]) / 2


def test_a_test_asks_for_eight_pages_unless_it_says_that_it_walks():
    ran(Item(), 8)
    for marks in ((), ("long",)):
        with pytest.raises(pytest.fail.Exception, match="asks for 9 pages"):
            ran(Item(*marks), 9)
    for walk in costs.WALKS:
        ran(Item(walk), 500)


@pytest.mark.parametrize(
    ("clock", "before", "why"),
    [(0.25, {"a": 1}, ""), (0.35, {"a": 1}, "The machine was busy"), (0.25, {}, "It was the first run here")],
)
def test_a_busy_machine_and_a_first_run_judge_no_cost(clock, before, why):
    costs_of = costs.Costs(None)
    costs_of.pieces, costs_of.before = [(0.2, clock), (0.2, 0.2)], before
    assert costs_of.why_unjudged() == why


def test_what_a_process_makes_once_is_charged_to_no_folder():
    costs_of = costs.Costs(None)
    costs_of.pieces = [(0.1, 0.1)]
    costs_of.tests = {"tests/web/test_a.py::b": (0.5, 0.0, True), "tests/cli/test_c.py::d": (0.2, 0.1, True)}
    assert costs_of.ratios() == pytest.approx({"web": 5, "cli": 3})
    costs_of.before = {"tests/web/test_a.py::b": 2}
    assert costs_of.ratios() == pytest.approx({"web": 2, "cli": 3})
