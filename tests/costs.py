"""What each test costs in seconds of processor: its own, and those of the processes that it starts.

A busy or slow machine takes more of them. So a fixed piece of work is measured in between: the ratio decides.
"""

import json
import re
import resource
import time
from collections import Counter

import pytest

SECONDS_BETWEEN = 15
MOST_ASKED = 8  # times that a test of the short run may ask for a page
asked = 0


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
        self.tests, self.pieces, self.left_out = {}, [], 0  # by name: own, children, whether the short run has it
        self.walks = {}  # how often tests asked that ask too often, by name

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        if (before := used())[0] >= self.next_piece:
            piece()
            self.pieces.append((after := used())[0] - before[0])
            before, self.next_piece = after, after[0] + SECONDS_BETWEEN
        result = yield
        own, children = (now - then for now, then in zip(used(), before, strict=True))
        self.tests[item.nodeid] = own, children, not is_long(item)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """A walk tells little when it fails, and costs much: it is long, or a sweep over all of a kind, and says so."""
        global asked  # noqa: PLW0603 - by every client of a test
        asked = 0
        result = yield
        if asked > MOST_ASKED and not is_long(item) and not item.get_closest_marker("sweep"):
            self.walks[item.nodeid] = asked
        return result

    def pytest_deselected(self, items):
        self.left_out += sum(map(is_long, items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        tests, walks, pieces, left_out = getattr(node, "workeroutput", {}).get("costs", ({}, {}, [], 0))
        self.tests |= tests
        self.walks |= walks
        self.pieces += pieces
        self.left_out = max(self.left_out, left_out)  # each worker leaves out the same

    def pytest_sessionfinish(self):
        if hasattr(self.config, "workerinput"):
            self.config.workeroutput["costs"] = self.tests, self.walks, self.pieces, self.left_out
        elif self.tests and hasattr(self.config, "cache"):
            self.config.cache.set("outreach/costs", self.tests)  # whoever looks for what to make cheaper reads it there

    def pytest_terminal_summary(self, terminalreporter):
        if not self.tests:
            return
        say, took = terminalreporter.write_line, sum(self.pieces) / len(self.pieces)
        for folder, (own, children) in sorted(self.folders().items(), key=lambda one: -sum(one[1])):
            say(f"{folder:16} {own:7.1f} s + {children:6.1f} s in processes, ratio {(own + children) / took:7.0f}")
        for name, many in self.walks.items():
            say(f"{name} asks for {many} pages: {MOST_ASKED} are enough, or it is long")
        run = sum(used())
        say(f"processor {run:.0f} s, calibration {took:.3f} s, ratio {run / took:.0f}", bold=True)
        say(f"{len(self.tests)} tests run, {self.left_out} left to --all")

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
