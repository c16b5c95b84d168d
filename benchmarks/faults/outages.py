"""Faults of the database while workers run on: server killed, file locked, disk full."""

import contextlib
import random
import sqlite3
import time
from collections.abc import Sequence

from benchmarks.faults.ground import Ground

STILL_SECONDS = 1.5
LONGEST_SECONDS = 120


def crash(
    ground: Ground,
    chance: random.Random,
    hows: Sequence[str] = ("crash", "halt", "lose_one"),
    down: Sequence[float] = (0, 2, 10, 35),
) -> None:
    """Kill the server or one of its processes, or halt it at once, and start it again up to 35 seconds later."""
    _at_work(ground, chance)
    getattr(ground.server, chance.choice(hows))()
    time.sleep(chance.choice(down))
    ground.server.start()
    ground.database.dispose()  # our own connections are lost, too, and only the workers' are under test
    _goes_on(ground)


def locked(ground: Ground, chance: random.Random, seconds: Sequence[float] = (18, 40)) -> None:
    """Lock the file for longer than a statement waits (15 s), or than a worker may be unseen (30 s)."""
    _at_work(ground, chance)
    file = ground.database.engine.url.database
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        time.sleep(chance.choice(seconds))
    _goes_on(ground)


def full(ground: Ground, chance: random.Random, longer: Sequence[float] = (0, 10, 35)) -> None:
    """Fill the disk of the database and the data folder until letters stop, and for up to 35 seconds more.

    A server that gave up is started again once there is space, as a service manager would do.
    """
    _at_work(ground, chance)
    ground.disk.fill()
    _stands_still(ground)
    time.sleep(chance.choice(longer))
    ground.disk.free()
    if ground.server:
        ground.server.start()
    _goes_on(ground)


def _at_work(ground: Ground, chance: random.Random) -> None:
    ground.keep(2)
    ground.let_leave(chance.randint(1, 150), 90)


def _stands_still(ground: Ground) -> None:
    """Wait until no letter has left for 1.5 seconds. Space that is freed meanwhile is filled again."""
    end, before, since = time.monotonic() + LONGEST_SECONDS, ground.taken(), time.monotonic()
    while time.monotonic() - since < STILL_SECONDS:
        if time.monotonic() > end:
            raise RuntimeError("the full disk did not stop the letters, so the run proves nothing")
        ground.disk.fill()
        time.sleep(0.05)
        if ground.taken() != before:
            before, since = ground.taken(), time.monotonic()


def _goes_on(ground: Ground) -> None:
    """Measure how long it takes until letters leave again, without intervention."""
    began = time.monotonic()
    ground.let_leave(1, LONGEST_SECONDS)
    ground.resumed.append(time.monotonic() - began)
