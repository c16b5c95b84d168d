#!/usr/bin/env python3
"""Simulate campaigns whose effect is known, on the register's own strata, and hold the method to what it promises.

Usage: ./run bench effect [--campaigns 2000] [--redraws 999] [--only null,pressed,shapes,power] [--json]
A cell is a number of authorities, a share that joins each week anyway, and what the letter does. Cells whose letter
does something play a quarter of the campaigns, as almost all of their campaigns need redraws. It ends with 1 when a
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

from outreach.demo.population import SampleAuthority, populate
from outreach.effect.draw import DEPARTURES, DrawnStratum, drawn
from outreach.effect.interval import interval
from outreach.effect.power import within
from outreach.effect.redraws import p_value
from outreach.effect.result import ALPHA, widened
from outreach.effect.strata import Listed, Stratum, stratified
from outreach.effect.tables import WINDOW, Counted, Joining, Source, Table, Windows, counted, first_joinings

FIRST_DAY = date(2026, 3, 2)
UNDER_WAY = 8  # one authority in this many is in preparation
SIZES = (200, 312, 600, 985)
BASES = (0.004, 0.02)
EFFECTS = (0.015, 0.027, 0.05, 0.08)
PRESSING = 0.05
MOST_ALARMS, LEAST_COVERAGE, POWER_WITHIN = 0.06, 0.93, 0.04
POWER = {  # by drawn and base: what a plan promises for the effects
    (200, 0.004): (0.13, 0.36, 0.73, 0.96),
    (200, 0.02): (0.09, 0.18, 0.44, 0.76),
    (312, 0.004): (0.25, 0.53, 0.91, 0.99),
    (312, 0.02): (0.12, 0.26, 0.62, 0.91),
    (600, 0.004): (0.47, 0.84, 0.99, 0.99),
    (600, 0.02): (0.18, 0.46, 0.88, 0.99),
    (985, 0.004): (0.69, 0.97, 0.99, 0.99),
    (985, 0.02): (0.29, 0.65, 0.98, 0.99),
}


class Shape(StrEnum):
    """What the letter does."""

    SPREAD = "spread over the window"
    AT_ONCE = "at once"
    FORWARD = "brings four weeks of joinings forward"
    PRESSED = "nothing, and 5 % press the button"
    COUNTED = "the same, had answers counted"


@dataclass(frozen=True)
class Cell:
    group: str
    size: int
    base: float
    effect: float
    shape: Shape = Shape.SPREAD
    wanted: float | None = None

    @property
    def theta(self) -> float:
        """The true difference: of those left at a departure, the share that joins sooner than it would have."""
        if self.shape is Shape.FORWARD:
            return within(self.base, 2 * WINDOW) - within(self.base, WINDOW)
        return self.effect

    def of(self, campaigns: int) -> int:
        """How many campaigns it plays of those asked for."""
        does_nothing = self.theta == 0 and self.shape is not Shape.COUNTED
        return campaigns if does_nothing else max(campaigns // 4, 1)


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
        if cell.shape is Shape.COUNTED:
            return []
        faults = []
        if self.covered < LEAST_COVERAGE:
            faults.append(f"covers the effect in {self.covered:.1%}")
        if cell.theta == 0 and self.concluded > MOST_ALARMS:
            faults.append(f"alarms without effect in {self.concluded:.1%}")
        if cell.wanted is not None and round(abs(min(self.concluded, 0.99) - cell.wanted), 4) > POWER_WITHIN:
            faults.append(f"concludes in {self.concluded:.1%}, not {cell.wanted:.0%}")
        return faults


def cells() -> Iterator[Cell]:
    for size in SIZES:
        for base in BASES:
            yield Cell("null", size, base, 0)
            for effect, wanted in zip(EFFECTS, POWER[size, base], strict=True):
                yield Cell("power", size, base, effect, wanted=wanted)
    for size in (312, 985):
        for base in BASES:
            yield Cell("pressed", size, base, 0, Shape.PRESSED)
            yield Cell("pressed", size, base, 0, Shape.COUNTED)
            yield Cell("shapes", size, base, 0.1, Shape.AT_ONCE)
            yield Cell("shapes", size, base, 0, Shape.FORWARD)


@lru_cache
def strata_of(size: int) -> tuple[Stratum, ...]:
    """The strata of so many authorities: all of the register, those with a secondary school, or some of them."""
    population = populate()
    some = [one for one in population if size != 312 or any(school.is_secondary for school in one.schools)]
    chosen = Random(size).sample(some, size) if size < len(some) else some
    return stratified([_listed(one, place) for place, one in enumerate(chosen)]).strata


def _listed(authority: SampleAuthority, place: int) -> Listed:
    return Listed(authority.fase, authority.network, len(authority.schools) > 1, place % UNDER_WAY == 0)


def play(cell: Cell, campaigns: int, redraws: int) -> Played:
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
        # The redraws cost most, and matter only where the interval alone would conclude.
        is_concluded = figure.excludes_zero and p_value(strata, seed, redraws) <= ALPHA
        shown = figure if is_concluded else widened(figure)
        concluded += is_concluded
        covered += shown.low <= cell.theta <= shown.high
        estimates.append(figure.estimate)
        biased.append(with_survivors(strata))
    means = (sum(values) / campaigns for values in (estimates, biased))
    return Played(cell, campaigns, concluded / campaigns, covered / campaigns, *means)


def campaign(cell: Cell, strata: Sequence[DrawnStratum], chance: Random) -> list[Counted]:
    """One campaign, counted: its joinings go through what the product counts and what it leaves out."""
    told = list(_joinings(cell, strata, chance))
    if cell.shape is Shape.COUNTED:
        told = [one._replace(source=Source.LIST) for one in told]
    return counted(strata, first_joinings(told, FIRST_DAY), Windows())


def _joinings(cell: Cell, strata: Sequence[DrawnStratum], chance: Random) -> Iterator[Joining]:
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
                    yield Joining(fase, FIRST_DAY + timedelta(day), Source.LIST)
                if cell.shape in {Shape.PRESSED, Shape.COUNTED} and chance.random() < PRESSING:
                    yield Joining(fase, FIRST_DAY + timedelta(written + chance.randrange(WINDOW)), Source.ANSWER)


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
        tables += [first, Table(second.n1 + left, second.y1 + stratum.joined[3][0], second.n0, second.y0)]
    figure = interval(tables)
    return figure.estimate if figure else 0.0


def row(played: Played) -> dict[str, Any]:
    cell = played.cell
    told = {"group": cell.group, "authorities": cell.size, "drawn": sum(len(one.fases) for one in strata_of(cell.size))}
    told |= {"campaigns": played.campaigns, "base": cell.base, "shape": cell.shape.value, "theta": round(cell.theta, 4)}
    told |= {"concluded": played.concluded, "covered": played.covered, "mean": round(played.mean, 4)}
    return {**told, "with_survivors": round(played.with_survivors, 4), "faults": played.faults}


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
        print(json.dumps({"redraws": options.redraws, "cells": rows}))
    return int(any(one["faults"] for one in rows))


def _cells(groups: set[str], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if not options.json:
        print("| group | authorities | a week | the letter | θ | mean | with survivors | concluded | covered |")
        print("|---|---|---|---|---|---|---|---|---|")
    for cell in (one for one in cells() if one.group in groups):
        played = play(cell, cell.of(options.campaigns), options.redraws)
        if not options.json:
            print(line(played), flush=True)
        for fault in played.faults:
            print(f"{cell.group}, {cell.size}, {cell.base:.1%}, {cell.theta:.1%}: {fault}", file=sys.stderr, flush=True)
        yield row(played)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--campaigns", type=int, default=2000)
    parser.add_argument("--redraws", type=int, default=999)
    parser.add_argument("--only", default="null,pressed,shapes,power")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
