"""What befalls the database under workers that live on: gone and back, locked by another, on a disk without room."""

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
    """The server killed with -9, whole or one process of it, or halted at once; up to 35 seconds later it is back."""
    _at_work(ground, chance)
    getattr(ground.server, chance.choice(hows))()
    time.sleep(chance.choice(down))
    ground.server.start()
    ground.database.dispose()  # our own connections to it are gone, too, and a worker's are what is tried
    _goes_on(ground)


def locked(ground: Ground, chance: random.Random, seconds: Sequence[float] = (18, 40)) -> None:
    """The file locked by somebody for longer than a statement waits (15 s), or than a worker may be unseen (30 s)."""
    _at_work(ground, chance)
    file = ground.database.engine.url.database
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        time.sleep(chance.choice(seconds))
    _goes_on(ground)


def full(ground: Ground, chance: random.Random, longer: Sequence[float] = (0, 10, 35)) -> None:
    """No room left where the database and the data folder lie, until letters stop and for up to 35 seconds more.

    A server that gave up is started again once there is room, as whatever watches over it would do.
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
    """Until nothing has left for a while; what was given back meanwhile is taken again."""
    end, before, since = time.monotonic() + LONGEST_SECONDS, ground.taken(), time.monotonic()
    while time.monotonic() - since < STILL_SECONDS:
        if time.monotonic() > end:
            raise RuntimeError("the full disk held nothing up: nothing was proved")
        ground.disk.fill()
        time.sleep(0.05)
        if ground.taken() != before:
            before, since = ground.taken(), time.monotonic()


def _goes_on(ground: Ground) -> None:
    """Measure how long it takes until letters leave again, with no hand on anything."""
    began = time.monotonic()
    ground.let_leave(1, LONGEST_SECONDS)
    ground.resumed.append(time.monotonic() - began)
