"""What each test costs in seconds of processor: its own, and those of the processes that it starts.

A slow machine takes more of them. So a fixed piece of work is measured in between: the ratio decides. What a folder's
tests may cost in the short run stands in `design/budget.toml`, so that they grow back by nobody's oversight. On a busy
machine even the ratio differs from run to run, by up to a third, and the first run of a checkout also compiles the
program and makes what later ones keep: there the costs are told, and the budget decides nothing.

Tests run in random order, and what a process makes once (a module read, a statement compiled) falls to whichever comes
first. So of each test the lower of its costs in this run and in the last one counts.
"""

import json
import re
import resource
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest

SECONDS_BETWEEN = 30
MOST_ASKED = 8  # times that a test may ask for a page
WALKS = ("journey", "sweep", "deep")  # tests that say that they ask more often, or repeat at length
BUDGET = Path(__file__).parents[1] / "design/budget.toml"
MOST_OVER = 1.25  # times a folder's budget
BUSY = 1.25  # times its processor that the fixed piece takes by the clock, where others want the same processors
KEPT = "outreach/ratios"  # in pytest's cache: what each test of the last run cost, in times of the calibration
asked = 0
of_all = 0.0  # seconds that the test under way took to make what all tests have, such as a template


def piece():
    """The fixed piece: words found, counted, sorted, written and read again. Who changes it measures anew."""
    text = " ".join(f"école-{number % 977} n° {number * 7919 % 10_007}" for number in range(5_000))
    for _ in range(15):
        counted = Counter(re.findall(r"\w+", text))
        ordered = dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))
        assert json.loads(json.dumps(ordered)) == counted


def used():
    """Seconds of processor of this process, and of those that it started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time(), ended.ru_utime + ended.ru_stime


def is_long(item):
    return any(map(item.get_closest_marker, ("long", "deep")))


class Costs:
    """Measures tests in the processes that run them, and brings together in the first one what these found."""

    def __init__(self, config):
        self.config, self.next_piece = config, 0.0
        self.tests, self.left_out = {}, 0  # by name: own, children, whether the short run has it
        self.pieces = []  # of each fixed piece, the seconds of processor and those by the clock
        self.ended = None  # what was used before what all tests had, such as a browser, is taken down after the last
        self.before = {}  # what each test cost in the last run, in times of the calibration
        self.unjudged = ""  # why the budget decides nothing
        self.over = []  # what is said of folders that cost more than their budget

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        if (before := used())[0] >= self.next_piece:
            began = time.perf_counter()
            piece()
            self.pieces.append(((after := used())[0] - before[0], time.perf_counter() - began))
            before, self.next_piece = after, after[0] + SECONDS_BETWEEN
        global of_all  # noqa: PLW0603 - by whatever makes it
        of_all = 0.0
        result = yield
        own, children = (now - then for now, then in zip(self.ended or used(), before, strict=True))
        self.tests[item.nodeid] = own - of_all, children, not is_long(item)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, nextitem):
        if nextitem is None:
            self.ended = used()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """A walk tells little when it fails, and costs much: what a page shows at its end is proved from a state."""
        global asked  # noqa: PLW0603 - by every client of a test
        asked = 0
        result = yield
        if asked > MOST_ASKED and not any(map(item.get_closest_marker, WALKS)):
            pytest.fail(
                f"It asks for {asked} pages: {MOST_ASKED} are enough for a test, which begins with a prepared state. "
                "What is about the way through pages is marked `journey`, and what is about all of a kind `sweep`.",
                pytrace=False,
            )
        return result

    def pytest_deselected(self, items):
        self.left_out += sum(map(is_long, items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        tests, pieces, left_out = getattr(node, "workeroutput", {}).get("costs", ({}, [], 0))
        self.tests |= tests
        self.pieces += pieces
        self.left_out = max(self.left_out, left_out)  # each worker leaves out the same

    def pytest_sessionfinish(self, session):
        if hasattr(self.config, "workerinput"):
            self.config.workeroutput["costs"] = self.tests, self.pieces, self.left_out
            return
        if self.tests and hasattr(self.config, "cache"):
            self.before = self.config.cache.get(KEPT, None) or {}
            self.config.cache.set(KEPT, self.each())  # whoever looks for what to make cheaper reads it there
        self.unjudged = self.why_unjudged()
        if session.exitstatus == pytest.ExitCode.OK and is_whole(self.config):
            self.over = [] if self.unjudged else over(self.ratios(), tomllib.loads(BUDGET.read_text())["processor"])
            session.exitstatus = pytest.ExitCode.TESTS_FAILED if self.over else session.exitstatus

    def pytest_terminal_summary(self, terminalreporter):
        if not self.tests:
            return
        say, took, ratios = terminalreporter.write_line, self.calibration(), self.ratios()
        for folder, (own, children) in sorted(self.folders().items(), key=lambda one: -sum(one[1])):
            say(f"{folder:16} {own:7.1f} s + {children:6.1f} s in processes, ratio {ratios[folder]:7.0f}")
        run = sum(used())
        say(f"processor {run:.0f} s, calibration {took:.3f} s, ratio {run / took:.0f}", bold=True)
        say(f"{len(self.tests)} tests run, {self.left_out} left to --all")
        if self.unjudged:
            say(f"{self.unjudged}: what the tests may cost was not judged.")
        for line in self.over:
            say(line, red=True)

    def calibration(self):
        return sum(processor for processor, _ in self.pieces) / len(self.pieces)

    def why_unjudged(self):
        """Why the costs say little: the fixed piece had to wait for its processor, or no run went before; or ''."""
        if sum(clock for _, clock in self.pieces) > BUSY * sum(processor for processor, _ in self.pieces):
            return "The machine was busy"
        return "" if self.before else "It was the first run here"

    def each(self):
        """What each test cost in this run, in times of the fixed piece."""
        took = self.calibration()
        return {name: (own + children) / took for name, (own, children, _) in self.tests.items()}

    def ratios(self):
        """What the tests of each folder cost, in times of the fixed piece: the lower of this run and the last."""
        found = Counter()
        for name, cost in self.each().items():
            found[folder_of(name)] += min(cost, self.before.get(name, cost))
        return found

    def folders(self):
        """What the tests cost by folder of tests/, own and children."""
        found = {}
        for name, (own, children, _) in self.tests.items():
            before = found.setdefault(folder_of(name), (0.0, 0.0))
            found[folder_of(name)] = before[0] + own, before[1] + children
        return found


def folder_of(name):
    """The first folder of a test's name. Files beside the folders count as one of them."""
    parts = name.partition("::")[0].split("/")
    return parts[1] if len(parts) > 2 else "tests"


def is_whole(config):
    """Whether a run is the short one, with nothing chosen by whoever began it."""
    chosen = [config.getoption(name, None) for name in ("all", "keyword", "markexpr", "deselect", "lf", "maxfail")]
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not any(chosen)


def over(ratios, budget):
    """What is said of each folder that costs more than its budget by a quarter, or has none."""
    found = [f"tests/{folder} has no budget in design/budget.toml" for folder in sorted({*ratios} - {*budget})]
    for folder, ratio in sorted(ratios.items()):
        if folder in budget and ratio > budget[folder] * MOST_OVER:
            found.append(
                f"tests/{folder} costs {ratio:.0f} times the calibration, and may cost {budget[folder]}: make its "
                "tests cheaper, mark `long` what others prove, or change design/budget.toml and say why"
            )
    return found
