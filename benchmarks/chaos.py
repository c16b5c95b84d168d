#!/usr/bin/env python3
"""Break sending on purpose, and compare what the ledger says with what the relay really took.

Usage: ./run chaos [--messages 20000] [--kills 200] [--database sqlite] [--fault kill] [--seed N] [--json]. Needs
requirements-dev.txt (`./run test` installs it). Exit status 1 when a promise is broken: a letter lost or taken twice, a
doubt that is not listed, more doubts than connections times kills, more than 60 seconds until letters leave again.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from outreach.cli.preparation import prepare
from outreach.db import Database
from outreach.delivery.postman import Stage
from tests.chaos.harness import PAUSE, Field
from tests.postgresql import Server
from tests.relays import Relays

FROZEN_SECONDS = 6
PATIENCE_SECONDS = 20
RESUME_SECONDS = 60
STORM = (
    {"stage": "rcpt", "match": "7@", "reply": "451 4.7.1 greylisted", "times": 300},
    {"stage": "rcpt", "match": "13@", "reply": "550 5.2.2 full"},
    {"stage": "dot", "match": "3@", "reply": "452 4.3.1 no room", "times": 200},
    {"stage": "dot", "match": "11@", "reply": "close", "times": 50},
    {"stage": "data", "match": "5@", "reply": "reset", "times": 50},
)

Fault = Callable[[Field, random.Random], None]


def kill(ground: Field, chance: random.Random) -> None:
    """kill -9, at a stage of a round or at any moment; after a while anyhow, when nothing is due."""
    stage = chance.choice([None, *Stage])
    worker, before, end = ground.start(stage, chance.randint(1, 4)), ground.taken(), time.monotonic() + PATIENCE_SECONDS
    wanted = 10**9 if stage else chance.randint(1, 150)
    while worker.is_alive() and ground.taken() - before < wanted and time.monotonic() < end:
        time.sleep(PAUSE)
    ground.kill(worker)


def stop(ground: Field, chance: random.Random) -> None:
    """SIGTERM: the round under way ends, and nothing is in doubt."""
    worker, before, wanted = ground.start(), ground.taken(), chance.randint(1, 150)
    ground.wait_until(lambda: ground.taken() - before >= wanted or ground.is_finished())
    ground.stop(worker)


def freeze(ground: Field, chance: random.Random) -> None:
    """SIGSTOP for longer than a dot may wait, while another worker goes on."""
    frozen, before, wanted = ground.start(), ground.taken(), chance.randint(1, 150)
    ground.wait_until(lambda: ground.taken() - before >= wanted or ground.is_finished())
    os.kill(frozen.pid, signal.SIGSTOP)
    other = ground.start()
    time.sleep(FROZEN_SECONDS)
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(1)
    ground.stop(other)
    ground.stop(frozen)
    ground.kills += 1  # what was on its dots when it froze may be in doubt


def workers(ground: Field, chance: random.Random) -> None:
    """Four workers, each with its clock, one of which is killed."""
    together = [ground.start(), *(ground.start_beside() for _ in range(3))]
    before, wanted = ground.taken(), chance.randint(1, 300)
    ground.wait_until(lambda: ground.taken() - before >= wanted or ground.is_finished())
    ground.kill(together.pop(chance.randrange(4)))
    for worker in together:
        ground.stop(worker)


FAULTS: dict[str, Fault] = {"kill": kill, "storm": kill, "stop": stop, "freeze": freeze, "workers": workers}


def main() -> None:
    options = _options()
    began, chance = time.monotonic(), random.Random(options.seed)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outreach-chaos-")))
        ground = stack.enter_context(_ground(options, folder))
        if options.fault == "storm":
            ground.relay.script(*STORM)
        fault, done = FAULTS[options.fault], 0
        while done < options.kills and not ground.is_finished():
            fault(ground, chance)
            done += 1
        resumed = None if options.fault == "stop" else _resumed(ground)
        _finish(ground)
        found = ground.compare()
    shown = {
        "seed": options.seed,
        "messages": options.messages,
        "database": options.database,
        "fault": options.fault,
        "kills": done,
        "lost": found.lost,
        "duplicated": found.duplicated,
        "in_doubt": found.in_doubt,
        "unlisted": found.unlisted,
        "resumed_within_s": resumed,
        "breaches": found.breaches,
        "seconds": round(time.monotonic() - began, 1),
    }
    most = 0 if options.fault == "stop" else ground.connections * ground.kills
    is_broken = bool(found.broken) or found.in_doubt > most or (resumed or 0) > RESUME_SECONDS
    print(json.dumps(shown) if options.json else "\n".join(f"{name:18} {value}" for name, value in shown.items()))
    if done < options.kills:
        print(f"the wave ended after {done} of {options.kills}: take more messages", file=sys.stderr)
    sys.exit(1 if is_broken else 0)


def _resumed(ground: Field) -> float | None:
    """Seconds from a kill to the next letter taken, with the clock as it is; None when the wave has ended."""
    if ground.is_finished():
        return None
    worker, before = ground.start(), ground.taken()
    ground.wait_until(lambda: ground.taken() > before or ground.is_finished())
    ground.kill(worker)
    killed, before = time.monotonic(), ground.taken()
    worker = ground.start_beside()
    ground.wait_until(lambda: ground.taken() > before or ground.is_finished(), 120)
    taken = round(time.monotonic() - killed, 1)
    ground.stop(worker)
    return taken


def _finish(ground: Field) -> None:
    """Workers until the wave is over; each begins an hour later, so that what was put off comes due."""
    while not ground.is_finished():
        ground.offset += timedelta(hours=1)
        worker, end = ground.start(), time.monotonic() + PATIENCE_SECONDS
        ground.wait_until(lambda: ground.is_finished() or time.monotonic() > end, 60)  # noqa: B023
        ground.stop(worker)


@contextlib.contextmanager
def _ground(options: argparse.Namespace, folder: Path) -> Iterator[Field]:
    server = Server(durable=True) if options.database == "postgresql" else None
    url = server.url() if server else f"sqlite:///{folder / 'chaos.sqlite3'}"
    database = Database(url)
    prepare(database)
    relay = Relays(folder / "sink", "--lint-every", "0")
    ground = Field(database, url, relay, folder / "data", recipients=options.messages)
    try:
        yield ground
    finally:
        ground.clear()
        relay.stop()
        database.dispose()
        if server:
            server.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--fault", choices=tuple(FAULTS), default="kill")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
