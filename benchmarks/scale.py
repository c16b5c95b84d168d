#!/usr/bin/env python3
"""Measure how the cost of what people and the clock do grows with the directory.

Usage: ./run bench scale --authorities 1000,10000 [--database sqlite|postgresql] [--only NAME …] [--json]. For each size
a base of its own is made, with fifteen waves. Each operation then runs in a process of its own, in the order of the
table; those that write come last. It ends with 1 when a goal is missed, and says which on standard error.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.growth import goals, ground, meter, pages, work
from benchmarks.growth.goals import Line
from benchmarks.growth.ground import Ground
from benchmarks.growth.pages import Operation
from benchmarks.web import database_of


def main() -> None:
    asked = _arguments().parse_args()
    operations = [one for one in every_operation() if not asked.only or one.name.startswith(tuple(asked.only))]
    lines: list[Line] = []
    before: dict[str, Line] = {}
    for size in map(int, asked.authorities.split(",")):
        of_size = []
        for line in measured(asked.database, size, operations, before):
            of_size.append(line)
            print(line, file=sys.stderr if asked.json else sys.stdout, flush=True)
        lines, before = lines + of_size, {line.name: line for line in of_size}
    sys.exit(end(asked.database, lines, as_json=asked.json))


def end(database: str, lines: Sequence[Line], *, as_json: bool) -> int:
    """Say which goals are missed, and print all as one object; returns the status of the command."""
    missed = goals.missed(lines)
    for sentence in missed:
        print(sentence, file=sys.stderr)
    if as_json:
        print(json.dumps({"database": database, "operations": [line.as_json() for line in lines]}))
    return 1 if missed else 0


def every_operation() -> Iterator[Operation]:
    """The operations in the order in which they are measured."""
    yield from pages.reading_operations()
    yield from work.writing_operations()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench scale")
    parser.add_argument("--authorities", default="1000,10000", help="the sizes, in order; at least 20")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--only", nargs="+", default=(), help="operations whose names begin so")
    parser.add_argument("--json", action="store_true", help="one object as the last line; figures go to standard error")
    return parser


def measured(database: str, size: int, operations: Sequence[Operation], before: Mapping[str, Line]) -> Iterator[Line]:
    """Make a base, and measure each operation on it. `before` are the lines of the smaller size, by name."""
    with tempfile.TemporaryDirectory() as name, database_of(database, Path(name)) as (url, server):
        folder, process = Path(name), server.process.pid if server else None
        made = meter.cost_in_child(lambda: lambda: ground.build(url, folder, size), process, again=False)
        if made.fault:
            raise RuntimeError(made.fault)
        print(f"base of {size} authorities: {made.cpu_s:.1f} s of processor time", file=sys.stderr, flush=True)
        yield from measured_on(Ground(url, folder, size, process), operations, before)


def measured_on(there: Ground, operations: Sequence[Operation], before: Mapping[str, Line]) -> Iterator[Line]:
    """Measure each operation on a base that is there."""
    for one in operations:
        cost = meter.cost_in_child(partial(one.prepare, there), there.server, again=one.again)
        yield Line(one.name, one.kind, there.authorities, cost, before.get(one.name))


if __name__ == "__main__":
    main()
