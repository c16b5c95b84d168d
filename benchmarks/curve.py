#!/usr/bin/env python3
"""Measure what a letter costs as a wave grows: a sending of each size, a table and a drawing.

Usage: ./run bench curve [--sizes 1000,5000,20000,100000] [--databases sqlite,postgresql] [--drawing FILE.svg]
Prints a table for docs/performance.md. Times include the launch. Each row is a run of `./run bench send`.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, MARGIN = 640, 280, 48
COLOURS = {"sqlite": "#303675", "postgresql": "#b3541e"}
ABOVE, BELOW = (-8, -24), (18, 34)  # vertical offsets of a cost and of its line's name
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
 font-family="sans-serif" font-size="12">
<title>Processor time a letter, by the size of the wave</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
<path d="M{margin} {margin}V{foot}H{right}" fill="none" stroke="#5a5d6b"/>
<text x="{margin}" y="24">processor time a letter (ms), launch included, by the number of recipients</text>
{drawn}</svg>
"""
COLUMNS = {
    "msg_s_from_launch": "letters a second",
    "first_message_s": "first letter, s",
    "cpu_ms_per_message": "processor time a letter, ms",
    "peak_rss_mb": "peak memory, MB",
    "yardstick_msg_s": "yardstick, letters a second",
}


def main() -> None:
    options = _options()
    runs = [
        _measured(size, database, options.connections)
        for database in options.databases.split(",")
        for size in map(int, options.sizes.split(","))
    ]
    options.drawing.write_text(drawing(runs), encoding="utf-8")


def _measured(size: int, database: str, connections: int) -> Run:
    command = [sys.executable, str(ROOT / "benchmarks" / "send.py"), "--json"]
    command += ["--recipients", str(size), "--database", database, "--connections", str(connections)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    row: Run = json.loads(run.stdout)
    told = [str(row[column] if row[column] is not None else "–") for column in COLUMNS]
    print("|", " | ".join([database, f"{size:,}", *told, f"{row['lost']}, {row['duplicated']}"]), "|", flush=True)
    return row


def drawing(runs: list[Run]) -> str:
    """Processor time by size, one line a database, sizes on a logarithmic scale (SVG)."""
    sizes = sorted({run["recipients"] for run in runs})
    most = max(run["cpu_ms_per_message"] for run in runs) * 1.2
    low, high = math.log(sizes[0]), math.log(max(sizes[-1], sizes[0] + 1))

    def place(size: int, cost: float) -> tuple[float, float]:
        across, up = (math.log(size) - low) / (high - low), cost / most
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    under = "".join(_words(place(size, 0)[0], HEIGHT - 26, f"{size:,}", "#5a5d6b") for size in sizes)
    lines = ""
    for database, colour in COLOURS.items():
        own = [run for run in runs if run["database"] == database]
        lines += "".join(_label(place, run, runs, colour) for run in own)
        side = _side(own[-1], runs) if own else ABOVE
        lines += _line(database, colour, [place(run["recipients"], run["cpu_ms_per_message"]) for run in own], side)
    return FRAME.format(
        width=WIDTH, height=HEIGHT, margin=MARGIN, foot=HEIGHT - MARGIN, right=WIDTH - MARGIN, drawn=under + lines
    )


def _side(run: Run, runs: list[Run]) -> tuple[int, int]:
    """The offsets of a run's words: above the line, or below it where the other database costs more."""
    beside = [other for other in runs if other["recipients"] == run["recipients"] and other is not run]
    return BELOW if any(other["cpu_ms_per_message"] > run["cpu_ms_per_message"] for other in beside) else ABOVE


def _line(database: str, colour: str, places: list[tuple[float, float]], side: tuple[int, int]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    drawn = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>\n'
    return drawn + "".join(_words(x, y + side[1], database, colour) for x, y in places[-1:])


def _label(place: Callable[[int, float], tuple[float, float]], run: Run, runs: list[Run], colour: str) -> str:
    size, cost = run["recipients"], run["cpu_ms_per_message"]
    x, y = place(size, cost)
    return _words(x, y + _side(run, runs)[0], f"{cost:.2f}", colour)


def _words(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="middle">{words}</text>\n'


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,5000,20000,100000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--drawing", type=Path, default=ROOT / "docs" / "images" / "cost.svg")
    return parser.parse_args()


if __name__ == "__main__":
    main()
