#!/usr/bin/env python3
"""Break sending on purpose, and compare the ledger with what the relay really accepted.

Usage: ./run chaos [--fault kill] [--messages 20000] [--kills 200] [--database sqlite] [--seed N] [--json]. Each
fault has a default number of letters (--messages) and of strikes (--kills). `--fault all` tries every fault on every
database and prints a table. Needs requirements-dev.txt (`./run test` installs it).

`--fault web` breaks the count of openings and clicks instead: kills of the web process under load, and a database that
is stopped for 20 seconds. `--fault pages` stops PostgreSQL for 20 seconds and freezes it for 20 under signed-in staff.

`--fault rungs` kills the clock and the desk between the rungs of a campaign's ladder: another mailbox, paper, a call.

`--fault grudging` kills nothing: the relay is slow and moody under a wave, 1,500 receipts and alerts, after a healthy
relay had the same load.

The exit status is 1 when a fault cannot be tried to its end, or when a promise is broken: a letter is lost or accepted
twice, a doubt is not listed, there are more doubts than connections times kills, a worker ends by itself, it takes more
than 60 seconds until letters leave again, or a letter is accepted more than a second after a decision against it. With
`web`, it is 1 when an answered hit is not stored, or one is stored twice. With `pages`, it is 1 when an answer is no
page of ours or takes longer than 8 seconds. With `rungs`, it is 1 when an authority has two channels for one step, or
none. With `grudging`, it is 1 when fewer than half as many letters a second
leave as at the healthy relay, or when the wave's first letter or an alert takes longer than 10 seconds.
"""

import argparse
import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.faults import BOTH, FAULTS, decisions, grudging, pages, rungs, web
from benchmarks.faults.ground import Ground, prepared
from benchmarks.faults.processes import finish, tried_at_the_end

RESUME_SECONDS = 60
HONOUR_SECONDS = 1
WEB, WEB_KILLS, PAGES, GRUDGING, RUNGS = "web", 50, "pages", "grudging", "rungs"
TABLE = {
    "fault": 12,
    "database": 11,
    "messages": 9,
    "kills": 6,
    "lost": 5,
    "duplicated": 11,
    "in_doubt": 9,
    "bound": 6,
    "two_channels": 13,
    "unlisted": 9,
    "resumed_within_s": 17,
    "stopped": 8,
    "honoured_within_s": 18,
    "seconds": 8,
}

Row = dict[str, Any]


def main() -> None:
    options = _options()
    rows, untried = [], []
    for name, database in _asked(options):
        try:
            rows.append(row := _tried(name, database, options))
        except Exception:
            logging.exception("%s on %s could not be tried to its end; going on with the other faults", name, database)
            untried.append(name)
            continue
        if options.json or options.fault == "all":
            _print_line(row, options, is_first=len(rows) == 1)
        else:
            print("\n".join(f"{key:18} {value}" for key, value in row.items()))
    sys.exit(1 if untried or any(row["broken"] for row in rows) else 0)


def _asked(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for name in (*FAULTS, WEB, RUNGS, PAGES, GRUDGING) if options.fault == "all" else (options.fault,):
        databases = FAULTS[name].databases if name in FAULTS else ("postgresql",) if name == PAGES else BOTH
        usual = databases if options.fault in {"all", GRUDGING} else databases[:1]
        for database in (options.database,) if options.database else usual:
            if database in databases:
                yield name, database


def _tried(name: str, database: str, options: argparse.Namespace) -> Row:
    if name in {WEB, RUNGS}:
        return _tried_by_kills(name, database, options)
    if name == PAGES:
        row: Row = {"database": database, "fault": PAGES, **pages.tried()}
        return row | {"broken": [key for key in row if key.endswith(("_not_ours", "_too_slow")) and row[key]]}
    if name == GRUDGING:
        messages = grudging.MESSAGES if options.messages is None else options.messages
        return {"fault": GRUDGING, **grudging.tried(database, messages, random.Random(options.seed))}
    fault, began, chance = FAULTS[name], time.monotonic(), random.Random(options.seed)
    messages = fault.messages if options.messages is None else options.messages
    times, done = fault.times if options.kills is None else options.kills, 0
    with prepared(fault, database, messages) as ground:
        while done < times - fault.is_tried_at_the_end and not ground.is_finished():
            fault.strike(ground, chance)
            done += 1
        if fault.is_tried_at_the_end:
            done += tried_at_the_end(ground)
        if fault.slow:
            ground.relay.script(*fault.relay)
        finish(ground)
        row = {"seed": options.seed, "messages": messages, "database": database, "fault": name, "kills": done}
        row |= _found(ground)
    if done < times:
        print(f"{name}: the wave ended after {done} of {times}: take more messages", file=sys.stderr)
    return row | {"seconds": round(time.monotonic() - began, 1)}


def _tried_by_kills(name: str, database: str, options: argparse.Namespace) -> Row:
    began, chance = time.monotonic(), random.Random(options.seed)
    row: Row = {"seed": options.seed, "database": database, "fault": name}
    if name == WEB:
        row |= web.tried(database, WEB_KILLS if options.kills is None else options.kills, chance)
        row["broken"] = [promise for promise in ("lost", "duplicated") if row[promise]]
    else:
        authorities = rungs.AUTHORITIES if options.messages is None else options.messages
        row |= rungs.tried(database, authorities, rungs.KILLS if options.kills is None else options.kills, chance)
    return row | {"seconds": round(time.monotonic() - began, 1)}


def _found(ground: Ground) -> Row:
    """The comparison of the ledger with the relay's log, the measured delays, and the broken promises."""
    reckoning, bound, late = ground.compare(), ground.connections * ground.kills, decisions.delays(ground)
    resumed, honoured = max(ground.resumed, default=None), max(late, default=None)
    broken = {
        "too many doubts": reckoning.in_doubt > bound,
        "not resumed": (resumed or 0) > RESUME_SECONDS,
        "not honoured": (honoured or 0) > HONOUR_SECONDS,
        "a worker fell": ground.fallen() > 0,
    }
    return {
        "lost": reckoning.lost,
        "duplicated": reckoning.duplicated,
        "in_doubt": reckoning.in_doubt,
        "bound": bound,
        "unlisted": reckoning.unlisted,
        "resumed_within_s": resumed and round(resumed, 1),
        "stopped": decisions.stopped(ground) if any(whom for whom, _, _ in ground.decided) else None,
        "honoured_within_s": honoured and round(honoured, 3),
        "broken": [*reckoning.broken, *(name for name, is_so in broken.items() if is_so)],
    }


def _print_line(row: Row, options: argparse.Namespace, *, is_first: bool) -> None:
    """Print one row as soon as it is known, as a table of all faults takes more than an hour."""
    if options.json:
        shown = grudging.KEYS if row["fault"] == GRUDGING else row
        print(json.dumps({key: row[key] for key in shown}), flush=True)
        return
    if is_first:
        print(f"seed {options.seed}\n" + "".join(f"{name:{width}}" for name, width in TABLE.items()))
    cells = (f"{'' if row.get(name) is None else row[name]:<{width}}" for name, width in TABLE.items())
    print("".join(cells) + " ".join(row["broken"]), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=positive)
    parser.add_argument("--kills", type=positive)
    parser.add_argument("--database", choices=BOTH)
    parser.add_argument("--fault", choices=(*FAULTS, WEB, RUNGS, PAGES, GRUDGING, "all"), default="kill")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not any(_asked(options)):
        parser.error(f"{options.fault} is not tried on {options.database}")
    return options


def positive(written: str) -> int:
    if (number := int(written)) < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    main()
