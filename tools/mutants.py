"""Changes the program by one operator, constant or line at a time, and asks which tests see it.

    .venv/bin/python -m tools.mutants --seed 7          # 60 mutants; hours: `--all --to-land` is run once before
    .venv/bin/python -m tools.mutants --seed 7 --number 6 --tests tests/directory tests/access

It says how many of the mutants that any test kills the short run kills, which is what its choice of tests is judged
by, and names those that nothing kills. Each mutant is put into a copy of the tree. The tests that reach its line run
in one process, those of the short run first, the cheapest first, until one fails; a test that fails without the mutant
as well proves nothing. What only a child process of a test reaches is left out.

With --tests it draws in the houses of these tests, and no others have a say: what the short run notices by tests of
another house counts as missed. So a map that is kept (--map) may be of more tests, such as the whole short run.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MAP, TESTS = "OUTREACH_MUTANTS_MAP", "OUTREACH_MUTANTS_TESTS"  # of a pytest that this module is a plugin of
SEEN = {"campaigns", "delivery", "directory", "web"}  # houses in which the rule of choice was found
GOAL = 0.93
SECONDS = 1800  # a mutant that keeps tests going for longer is seen
RUN = ["-m", "pytest", "-p", "tools.mutants", "--all", "--to-land", "--no-cov", "-q"]
SWAPPED = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}


def candidates(tree: ast.AST) -> Iterator[tuple[str, ast.AST, str | None]]:
    """What can be changed in the bodies of functions: the kind of change, the node, and what is written instead."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in (inner for statement in function.body for inner in ast.walk(statement)):
                for kind, new in changes(node):
                    yield kind, node, new


def changes(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    write = ast.unparse
    match node:
        case ast.Compare(left=left, ops=[one], comparators=[right]):
            yield "comparison", f"({write(left)} {SWAPPED[type(one)]} {write(right)})"
        case ast.BoolOp(op=one, values=values):
            yield (
                "and/or",
                f"({(' or ' if isinstance(one, ast.And) else ' and ').join(f'({write(v)})' for v in values)})",
            )
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not", f"({write(operand)})"
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as one, right=right):
            yield "+/-", f"({write(left)} {'-' if isinstance(one, ast.Add) else '+'} ({write(right)}))"
        case ast.Constant(value=bool(value)):
            yield "constant", str(not value)
        case ast.Constant(value=int(value)):
            yield "constant", str(value + 1)
        case ast.Return(value=ast.expr()):
            yield "return None", "return None"
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "dropped line", "pass"
    if isinstance(node, ast.If | ast.IfExp) and not isinstance(node.test, ast.Constant):
        yield "if", None


def spliced(source: str, node: Any, new: str | None) -> str:  # noqa: ANN401 - a node of any kind that has a place
    """The source with a node written otherwise; where nothing is given, with its condition turned round."""
    if new is None:
        node, new = node.test, f"(not ({ast.unparse(node.test)}))"
    lines = source.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + new.encode() + after).decode()


class Map:
    """The tests that reach each line, with what they cost and whether the short run has them."""

    def __init__(self, folder: Path) -> None:
        self.of: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.cost: dict[str, float] = {}
        self.is_short: dict[str, bool] = {}
        for file in folder.glob("*.jsonl"):
            for line in file.read_text().splitlines():
                told = json.loads(line)
                self.cost[told["test"]], self.is_short[told["test"]] = told["seconds"], told["short"]
                for path, numbers in told["lines"].items():
                    for number in numbers:
                        self.of[path, number].add(told["test"])


def draw(chance: random.Random, reached: Map, houses: tuple[str, ...], *, is_seen: bool) -> tuple[str, int, str, str]:
    """One mutant on a line that some test reaches, in a house of one half: the file, its new text, and what it is."""
    paths = {path for path, _ in reached.of if "/migrations/" not in path and path.startswith(houses)}
    files = sorted(path for path in paths if (path.split("/")[1] in SEEN) is is_seen)
    while files:
        path = chance.choice(files)
        source = (ROOT / path).read_text(encoding="utf-8")
        by_kind = defaultdict(list)
        for kind, node, new in candidates(ast.parse(source)):
            if (path, node.lineno) in reached.of:
                by_kind[kind].append((node, new))
        if by_kind:
            kind = chance.choice(sorted(by_kind))
            node, new = chance.choice(by_kind[kind])
            text = spliced(source, node, new)
            ast.parse(text)
            return path, node.lineno, kind, text
    raise SystemExit(f"no line of {'the' if is_seen else 'no'} houses {sorted(SEEN)} is reached by these tests")


def failing(tree: Path, tests: list[str]) -> str | None:
    """The first of these tests that fails in a tree, or None; "all" where they take too long."""
    if not tests:
        return None
    with tempfile.TemporaryDirectory() as place:
        names, failed = Path(place) / "tests", Path(place) / "failed"
        names.write_text("\n".join(tests), encoding="utf-8")
        files = sorted({test.partition("::")[0] for test in tests})
        own = {**os.environ, TESTS: str(names)}
        command = [ROOT / ".venv/bin/python", *RUN, "-n", "0", "-x", "-p", "no:cacheprovider", *files]
        try:
            ended = subprocess.run(
                command, cwd=tree, env=own, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return "all"
        if ended.returncode == 0:
            return None
        return failed.read_text(encoding="utf-8") if failed.exists() else "all"


def killed_by(tree: Path, tests: list[str]) -> str | None:
    """The first test that a mutant fails and the tree as it is does not."""
    tests = list(tests)
    while (found := failing(tree, tests)) not in {None, "all"} and failing(ROOT, [found]):
        print(f"{found} fails without it as well")
        tests = tests[tests.index(found) + 1 :]
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seed", type=int, required=True)
    asked.add_argument("--number", type=int, default=60)
    asked.add_argument("--tests", nargs="*", default=[], help="folders of tests, instead of all: in their houses")
    asked.add_argument("--map", type=Path, help="a folder in which to keep which tests reach which lines")
    given = asked.parse_args()
    place = given.map or Path(tempfile.mkdtemp())
    if not any(place.glob("*.jsonl")):
        place.mkdir(exist_ok=True)
        subprocess.run([sys.executable, *RUN, *given.tests], cwd=ROOT, env={**os.environ, MAP: str(place)}, check=True)
    reached, chance, came = Map(place), random.Random(given.seed), []  # noqa: S311 - to be drawn again
    houses = tuple({f"outreach/{one.split('/')[1]}/" for one in given.tests}) or ("outreach/",)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        shutil.copytree(
            ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache")
        )
        for number in range(given.number):
            path, line, kind, text = draw(chance, reached, houses, is_seen=number % 2 == 0)
            (tree / path).write_text(text, encoding="utf-8")
            tests = sorted(reached.of[path, line], key=reached.cost.__getitem__)
            by = killed_by(tree, [one for one in tests if reached.is_short[one]])
            is_short = by is not None
            by = by or killed_by(tree, [one for one in tests if not reached.is_short[one]])
            shutil.copy(ROOT / path, tree / path)
            came.append((by is not None, is_short))
            print(f"{path}:{line} {kind}: {'short run, ' if is_short else ''}{by or 'nothing'}", flush=True)
    killed, short = sum(any_ for any_, _ in came), sum(is_short for _, is_short in came)
    share = short / killed if killed else 1.0
    print(
        f"{len(came)} mutants, {killed} killed by some test, {short} by the short run: "
        f"{share:.0%}, the goal is {GOAL:.0%}"
    )
    sys.exit(share < GOAL)


class Recorder:
    """Notes the lines that each test reaches, each once: Python stops telling of a line that was told."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.file = (folder / f"{worker}.jsonl").open("w", encoding="utf-8")
        self.lines: dict[str, set[int]] = defaultdict(set)
        self.tool, self.events = sys.monitoring.COVERAGE_ID, sys.monitoring.events.LINE
        sys.monitoring.use_tool_id(self.tool, "mutants")
        sys.monitoring.register_callback(self.tool, self.events, self.met)

    def met(self, code: CodeType, line: int) -> object:
        if code.co_filename.startswith(f"{ROOT}/outreach/"):
            self.lines[code.co_filename[len(f"{ROOT}/") :]].add(line)
        return sys.monitoring.DISABLE

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self.lines.clear()
        sys.monitoring.set_events(self.tool, self.events)
        sys.monitoring.restart_events()
        item.user_properties.append(("began", time.process_time()))

    def pytest_runtest_logfinish(self) -> None:
        sys.monitoring.set_events(self.tool, 0)
        self.file.write(
            json.dumps({**self.told, "lines": {path: sorted(of) for path, of in self.lines.items()}}) + "\n"
        )
        self.file.flush()

    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        began = dict(item.user_properties)["began"]
        is_short = not any(map(item.get_closest_marker, ("long", "deep")))
        self.told = {"test": item.nodeid, "seconds": time.process_time() - began, "short": is_short}


class Chosen:
    """Runs the tests of a list alone, in its order, and writes down the first that fails."""

    def __init__(self, names: Path) -> None:
        self.names = {name: place for place, name in enumerate(names.read_text(encoding="utf-8").splitlines())}
        self.failed = names.with_name("failed")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((one for one in items if one.nodeid in self.names), key=lambda one: self.names[one.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed.exists():
            self.failed.write_text(report.nodeid, encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", {}).get("workerid", "master")
    if MAP in os.environ and (worker != "master" or config.getoption("numprocesses") == 0):
        config.pluginmanager.register(Recorder(Path(os.environ[MAP]), worker))
    if TESTS in os.environ:
        config.pluginmanager.register(Chosen(Path(os.environ[TESTS])))


if __name__ == "__main__":
    main()
