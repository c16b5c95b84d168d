#!/usr/bin/env python3
"""Measure what a letter costs as a wave grows: a sending of each size, a table and a drawing.

Usage: ./run bench curve [--sizes 1000,5000,20000,100000] [--databases sqlite,postgresql] [--drawing FILE.svg]
[--results FILE.json]
Prints a table. Times include the launch. Each row is a run of `./run bench send`.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.reports import charts
from outreach.reports.charts import Tone
from outreach.reports.charts._marks import Anchor, Drawing, Mark, Scale, Stroke, Words

Run = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, MARGIN, SIZE = 640, 280, 48, 12
TITLE = "Processor time a letter, by the size of the wave"
TONES = {"sqlite": (Tone.JOINED, ""), "postgresql": (Tone.PREPARING, "7 4")}  # with the dashes of its line
ABOVE, BELOW = (-8, -24), (18, 34)  # vertical offsets of a cost and of its line's name
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
    if options.results:
        options.results.write_text(json.dumps(runs, indent=1), encoding="utf-8")


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
    across = Scale(math.log(sizes[0]), math.log(max(sizes[-1], sizes[0] + 1)), MARGIN, WIDTH - MARGIN)
    up = Scale(0, max(run["cpu_ms_per_message"] for run in runs) * 1.2, HEIGHT - MARGIN, MARGIN)
    unit = "processor time a letter (ms), launch included, by the number of recipients"
    marks: list[Mark] = [
        Stroke(f"M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}", Tone.EVENT),
        Words(MARGIN, 24, unit, SIZE),
        *(_words(across(math.log(size)), HEIGHT - 26, f"{size:,}", Tone.MUTED) for size in sizes),
    ]
    for database in TONES:
        own = [run for run in runs if run["database"] == database]
        places = [(across(math.log(run["recipients"])), up(run["cpu_ms_per_message"])) for run in own]
        marks += _line(database, own, places, runs)
    return charts.chart_file(Drawing(WIDTH, HEIGHT, marks), TITLE, unit)


def _line(database: str, own: list[Run], places: list[tuple[float, float]], runs: list[Run]) -> list[Mark]:
    """The line of a database, each cost at its point, and its name at the last."""
    tone, dash = TONES[database]
    marks: list[Mark] = [Stroke("M" + "L".join(f"{x} {y}" for x, y in places), tone, 2, dash)] if places else []
    for run, (x, y) in zip(own, places, strict=True):
        cost, name = _side(run, runs)
        marks.append(_words(x, y + cost, f"{run['cpu_ms_per_message']:.2f}"))
        if run is own[-1]:
            marks.append(_words(x, y + name, database))
    return marks


def _side(run: Run, runs: list[Run]) -> tuple[int, int]:
    """The offsets of a run's words: above the line, or below it where the other database costs more."""
    beside = [other for other in runs if other["recipients"] == run["recipients"] and other is not run]
    return BELOW if any(other["cpu_ms_per_message"] > run["cpu_ms_per_message"] for other in beside) else ABOVE


def _words(x: float, y: float, words: str, tone: Tone = Tone.INK) -> Words:
    return Words(round(x), round(y), words, SIZE, tone, Anchor.MIDDLE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,5000,20000,100000")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--drawing", type=Path, default=ROOT / "docs" / "images" / "cost.svg")
    parser.add_argument("--results", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
