#!/usr/bin/env python3
"""Simulate campaigns whose effect is known, on the register's own strata, and hold the method to what it promises.

Usage: ./run bench effect [--campaigns 2000] [--only null,together,shapes,sizes] [--json]
A cell is a number of authorities, a share that joins each week anyway, and what the letter does. It ends with 1 when a
goal is missed, and says which on standard error; goals allow for the chance of 2,000 campaigns.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from math import log
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.campaigns.experiments import DEPARTURES, Listed, TwoByTwo, stratify
from outreach.campaigns.experiments._design import (
    WINDOW,
    Counted,
    DrawnStratum,
    Stratum,
    Windows,
    counted,
    drawn,
    first_joinings,
)
from outreach.campaigns.experiments._estimate import interval
from outreach.operations.demo.population import SampleAuthority, populate

FIRST_DAY = date(2026, 3, 2)
UNDER_WAY = 8  # one authority in this many is in preparation
SIZES = (200, 312, 600, 985)
BASES = (0.004, 0.02)
EFFECTS = (0.015, 0.027, 0.05, 0.08)
FEDERATION, DECIDING = 15, 0.25
"""How many authorities decide together, and the share of such federations that join within the six weeks."""
MOST_ALARMS, LEAST_COVERAGE = 0.06, 0.93


class Shape(StrEnum):
    """What the letter does."""

    SPREAD = "spread over the window"
    AT_ONCE = "at once"
    FORWARD = "brings four weeks of joinings forward"
    TOGETHER = "nothing, and members of federations join on one day"


@dataclass(frozen=True)
class Cell:
    group: str
    size: int
    base: float
    effect: float
    shape: Shape = Shape.SPREAD

    @property
    def theta(self) -> float:
        """The true difference: of those left at a departure, the share that joins sooner than it would have."""
        if self.shape is Shape.FORWARD:
            return within(self.base, 2 * WINDOW) - within(self.base, WINDOW)
        return self.effect


@dataclass(frozen=True)
class Played:
    """What campaigns of a cell showed, as shares of them and as means."""

    cell: Cell
    campaigns: int
    concluded: float
    covered: float
    mean: float
    with_survivors: float

    @property
    def faults(self) -> list[str]:
        cell = self.cell
        faults = []
        if self.covered < LEAST_COVERAGE:
            faults.append(f"covers the effect in {self.covered:.1%}")
        if cell.theta == 0 and self.concluded > MOST_ALARMS:
            faults.append(f"alarms without effect in {self.concluded:.1%}")
        return faults


def cells() -> Iterator[Cell]:
    for size in SIZES:
        for base in BASES:
            yield Cell("null", size, base, 0)
            yield Cell("together", size, base, 0, Shape.TOGETHER)
            for effect in EFFECTS:
                yield Cell("sizes", size, base, effect)
    for size in (312, 985):
        for base in BASES:
            yield Cell("shapes", size, base, 0.1, Shape.AT_ONCE)
            yield Cell("shapes", size, base, 0, Shape.FORWARD)


def within(weekly: float, length: int) -> float:
    """The share that joins in so many days, where `weekly` of those left do each week."""
    return 1 - float((1 - weekly) ** (length / 7))


@lru_cache
def strata_of(size: int) -> tuple[Stratum, ...]:
    """The strata of so many authorities: all of the register, those with a secondary school, or some of them."""
    population = populate()
    some = [one for one in population if size != 312 or any(school.is_secondary for school in one.schools)]
    chosen = Random(size).sample(some, size) if size < len(some) else some
    return stratify([_listed(one, place) for place, one in enumerate(chosen)]).strata


def _listed(authority: SampleAuthority, place: int) -> Listed:
    return Listed(authority.fase, authority.network, len(authority.schools) > 1, place % UNDER_WAY == 0)


def play(cell: Cell, campaigns: int) -> Played:
    """Play campaigns of a cell: the same ones at each call."""
    chance = Random(f"{cell.group} {cell.size} {cell.base} {cell.effect} {cell.shape}")
    concluded = covered = 0
    estimates, biased = [], []
    for number in range(campaigns):
        seed = sha256(f"{chance.random()} {number}".encode()).digest()
        strata = campaign(cell, drawn(seed, strata_of(cell.size)), chance)
        figure = interval(table for stratum in strata for table in stratum.tables)
        if figure is None:
            raise RuntimeError("no stratum has two departures")
        concluded += figure.excludes_zero
        covered += figure.low <= cell.theta <= figure.high
        estimates.append(figure.estimate)
        biased.append(with_survivors(strata))
    means = (sum(values) / campaigns for values in (estimates, biased))
    return Played(cell, campaigns, concluded / campaigns, covered / campaigns, *means)


def campaign(cell: Cell, strata: Sequence[DrawnStratum], chance: Random) -> list[Counted]:
    """One campaign, counted."""
    told = list(_joinings(cell, strata, chance))
    if cell.shape is Shape.TOGETHER:
        told += _together(strata, chance)
    return counted(strata, first_joinings(told, FIRST_DAY), Windows())


def _joinings(cell: Cell, strata: Sequence[DrawnStratum], chance: Random) -> Iterator[tuple[int, date]]:
    day_scale = log(1 - cell.base) / 7
    moved = cell.effect / (1 - within(cell.base, WINDOW))
    for stratum in strata:
        for departure, fases in enumerate(stratum.departures):
            written = departure * WINDOW
            for fase in fases:
                day = int(log(1 - chance.random()) / day_scale)
                if day >= written:
                    day = _with_letter(cell.shape, day, written, chance.random() < moved, chance)
                if day < DEPARTURES * WINDOW:  # a later joining is in no comparison
                    yield fase, FIRST_DAY + timedelta(day)


def _together(strata: Sequence[DrawnStratum], chance: Random) -> Iterator[tuple[int, date]]:
    """Federations whose members join on one day, whichever departure each of them is in."""
    fases = sorted(fase for stratum in strata for fase in stratum.order)
    for first in range(0, len(fases), FEDERATION):
        if chance.random() < DECIDING:
            day = FIRST_DAY + timedelta(chance.randrange(DEPARTURES * WINDOW))
            yield from ((fase, day) for fase in fases[first : first + FEDERATION])


def _with_letter(shape: Shape, day: int, written: int, is_moved: bool, chance: Random) -> int:
    """The day on which an authority joins that would have joined on `day`, had it not been written to."""
    if shape is Shape.FORWARD:
        return written + (day - written) // 2 if day < written + 2 * WINDOW else day
    if not is_moved:
        return day
    return written if shape is Shape.AT_ONCE else min(day, written + chance.randrange(WINDOW))


def with_survivors(strata: Sequence[Counted]) -> float:
    """The difference had departure 1 stayed in the comparison after departure 2: what the method avoids."""
    tables = []
    for stratum in strata:
        first, second = stratum.tables
        left = first.n1 - first.y1
        tables += [first, TwoByTwo(second.n1 + left, second.y1 + stratum.joined[3][0], second.n0, second.y0)]
    figure = interval(tables)
    return figure.estimate if figure else 0.0


def row(played: Played) -> dict[str, Any]:
    cell = played.cell
    fields = {
        "group": cell.group,
        "authorities": cell.size,
        "drawn": sum(len(one.fases) for one in strata_of(cell.size)),
    }
    fields |= {
        "campaigns": played.campaigns,
        "base": cell.base,
        "shape": cell.shape.value,
        "theta": round(cell.theta, 4),
    }
    fields |= {"concluded": played.concluded, "covered": played.covered, "mean": round(played.mean, 4)}
    return {**fields, "with_survivors": round(played.with_survivors, 4), "faults": played.faults}


def line(played: Played) -> str:
    cell = played.cell
    points = (f"{100 * value:+.1f}" for value in (cell.theta, played.mean, played.with_survivors))
    parts = [cell.group, cell.size, f"{cell.base:.1%}", cell.shape, *points]
    return f"| {' | '.join(map(str, parts))} | {played.concluded:.1%} | {played.covered:.1%} |"


def main() -> int:
    options = _options()
    groups = set(options.only.split(","))
    rows = list(_cells(groups, options))
    if options.json:
        print(json.dumps({"cells": rows}))
    return int(any(one["faults"] for one in rows))


def _cells(groups: set[str], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if not options.json:
        print("| group | authorities | a week | the letter | θ | mean | with survivors | concluded | covered |")
        print("|---|---|---|---|---|---|---|---|---|")
    for cell in (one for one in cells() if one.group in groups):
        played = play(cell, options.campaigns)
        if not options.json:
            print(line(played), flush=True)
        for fault in played.faults:
            print(f"{cell.group}, {cell.size}, {cell.base:.1%}, {cell.theta:.1%}: {fault}", file=sys.stderr, flush=True)
        yield row(played)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=2000)
    parser.add_argument("--only", default="null,together,shapes,sizes")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
