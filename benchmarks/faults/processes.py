"""Faults of work processes: killed, stopped, frozen, among others, with a wrong clock."""

import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.faults.ground import Ground
from outreach.delivery import workers as installation
from outreach.delivery.sending import Failpoint
from tests.chaos.harness import RECORDING, is_stopped

# Longer than a worker may take from the gate to the final dot (5 s). The other worker's clock is 31 s ahead: by it,
# the lease (20 s) and the time that a worker may be unseen (30 s) are over, too.
FROZEN_SECONDS = 6
AWAY = timedelta(hours=2)


def kill(ground: Ground, chance: random.Random) -> None:
    """Send SIGKILL at a stage of a round or at any moment; when nothing is due, after a while."""
    stage = chance.choice([None, *Failpoint])
    worker, before = ground.start(stage, which_time(stage, chance)), ground.taken()
    wanted = 10**9 if stage else chance.randint(1, 100)
    ground.happens(lambda: not worker.is_alive() or ground.taken() - before >= wanted)
    ground.kill(worker)


def which_time(stage: Failpoint | None, chance: random.Random) -> int:
    """At which occurrence of the stage the fault strikes: one of the first four.

    For composing it is one of the first two, since letters are composed once for dozens of rounds.
    """
    return chance.randint(1, 2 if stage is Failpoint.AFTER_COMPOSE else 4)


def stop(ground: Ground, chance: random.Random) -> None:
    """Send SIGTERM: the round under way ends, and nothing is in doubt."""
    worker = ground.start()
    ground.let_leave(chance.randint(1, 150), 90)
    ground.stop(worker)


def freeze(ground: Ground, chance: random.Random) -> None:
    """Send SIGSTOP at a stage of a round or at any moment, for longer than anything waits; another worker goes on."""
    stage = chance.choice([None, *Failpoint])
    frozen, before = ground.start(stage, which_time(stage, chance), signal.SIGSTOP), ground.taken()
    wanted = 10**9 if stage else chance.randint(1, 100)
    ground.happens(lambda: is_stopped(frozen) or ground.taken() - before >= wanted)
    os.kill(frozen.pid, signal.SIGSTOP)
    other = ground.start()
    time.sleep(FROZEN_SECONDS)
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(1)
    ground.stop(other)
    ground.stop(frozen)
    ground.kills += 1  # letters at their final dot when it froze may be in doubt


def hold(ground: Ground, chance: random.Random) -> None:
    """Send SIGSTOP within a transaction that locks rows, until another worker's letters leave; then resume it.

    Not on SQLite: the transaction would lock the whole file, and only ending the process would help.
    """
    frozen = ground.start(RECORDING, chance.randint(1, 9), signal.SIGSTOP)
    ground.happens(lambda: is_stopped(frozen) or ground.is_finished(), 90)
    began, other = time.monotonic(), ground.start()
    ground.let_leave(1, 120)
    ground.resumed.append(time.monotonic() - began)
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(1)
    ground.stop(other)
    ground.stop(frozen)
    ground.kills += 1


def workers(ground: Ground, chance: random.Random) -> None:
    """Start four work processes in the same second, each with its own scheduler, and kill one."""
    together = [ground.start(), *(ground.start_beside() for _ in range(3))]
    ground.let_leave(chance.randint(1, 300), 90)
    ground.kill(together.pop(chance.randrange(4)))
    for worker in together:
        ground.stop(worker)


def skew(ground: Ground, chance: random.Random, ways: Sequence[timedelta] = (AWAY, -AWAY)) -> None:
    """Start two workers, one on a machine whose clock is two hours ahead or behind, and kill one of the two.

    The first strike starts the wave, then moves the time on by two hours, so that a worker that is behind finds due
    letters, too.
    """
    if not ground.taken():
        first = ground.start()
        ground.let_leave(1, 90)
        ground.stop(first)
        ground.offset += AWAY
    together = [ground.start(), ground.start_beside(ahead=chance.choice(ways), folder=_elsewhere(ground))]
    ground.let_leave(chance.randint(1, 300), 90)
    ground.kill(together.pop(chance.randrange(2)))
    ground.stop(together.pop())


def _elsewhere(ground: Ground) -> Path:
    """Another machine's data folder: the same secrets, and a confirmed identity of its own."""
    folder = ground.folder.with_name("elsewhere")
    if not folder.exists():
        shutil.copytree(ground.folder, folder, ignore=shutil.ignore_patterns("installation*"))
        with ground.database.writing() as session:
            installation.confirm(session, installation.read(folder), now=ground.now, actor="hugo.willems@fwb.example")
    return folder


def tried_at_the_end(ground: Ground) -> bool:
    """Kill once more and measure the time to the next letter, without moving the clock. False after the wave's end."""
    if ground.is_finished():
        return False
    worker = ground.start()
    ground.let_leave(1, 90)
    if ground.is_finished():
        ground.stop(worker)
        return False
    ground.kill(worker)
    killed, worker = time.monotonic(), ground.start_beside()
    ground.let_leave(1, 120)
    ground.resumed.append(time.monotonic() - killed)
    ground.stop(worker)
    return True


def finish(ground: Ground) -> None:
    """Run workers until the wave is over. Each starts an hour later, so that deferred letters come due.

    The first starts later than any clock has shown, since a wave must end after its letters.
    """
    ground.stop_all()
    ground.offset += AWAY
    while not ground.is_finished():
        ground.offset += timedelta(hours=1)
        worker = ground.start()
        ground.happens(lambda: ground.is_finished() or ground.waits_for_later())
        ground.stop(worker)
