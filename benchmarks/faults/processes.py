"""What befalls a work process: killed, stopped, frozen, beside others, under a clock that is wrong."""

import os
import random
import shutil
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from benchmarks.faults.ground import Ground
from outreach.delivery import installation
from outreach.delivery.sending.failpoints import Failpoint
from tests.chaos.harness import RECORDING, is_stopped

FROZEN_SECONDS = 6  # a dot may wait for 5; by the clock of the other worker, 31 s on, it is longer than 20 and than 30
AWAY = timedelta(hours=2)


def kill(ground: Ground, chance: random.Random) -> None:
    """kill -9, at a stage of a round or at any moment; after a while anyhow, when nothing is due."""
    stage = chance.choice([None, *Failpoint])
    worker, before = ground.start(stage, which_time(stage, chance)), ground.taken()
    wanted = 10**9 if stage else chance.randint(1, 100)
    ground.happens(lambda: not worker.is_alive() or ground.taken() - before >= wanted)
    ground.kill(worker)


def which_time(stage: Failpoint | None, chance: random.Random) -> int:
    """At which time that it is reached a stage is broken: letters are composed once for dozens of rounds."""
    return chance.randint(1, 2 if stage is Failpoint.AFTER_COMPOSE else 4)


def stop(ground: Ground, chance: random.Random) -> None:
    """SIGTERM: the round under way ends, and nothing is in doubt."""
    worker = ground.start()
    ground.let_leave(chance.randint(1, 150), 90)
    ground.stop(worker)


def freeze(ground: Ground, chance: random.Random) -> None:
    """SIGSTOP, at a stage of a round or at any moment, for longer than anything waits, while another worker goes on."""
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
    ground.kills += 1  # what was on its dots when it froze may be in doubt


def hold(ground: Ground, chance: random.Random) -> None:
    """SIGSTOP in the middle of a transaction, whose rows it holds, until another worker's letters leave; then it wakes.

    On SQLite it would hold the whole file: there nothing but ending the process helps.
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
    """Four workers, each with its clock, in the same second, one of which is killed."""
    together = [ground.start(), *(ground.start_beside() for _ in range(3))]
    ground.let_leave(chance.randint(1, 300), 90)
    ground.kill(together.pop(chance.randrange(4)))
    for worker in together:
        ground.stop(worker)


def skew(ground: Ground, chance: random.Random, ways: Sequence[timedelta] = (AWAY, -AWAY)) -> None:
    """Two workers, one of them on a machine whose clock is two hours ahead or behind; one of the two is killed.

    The first strike lets the wave begin, then two hours pass: what is behind finds letters due, too.
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
    """Another machine's data folder: the same secrets, an identity of its own, confirmed."""
    folder = ground.folder.with_name("elsewhere")
    if not folder.exists():
        shutil.copytree(ground.folder, folder, ignore=shutil.ignore_patterns("installation*"))
        with ground.database.writing() as session:
            installation.confirm(session, installation.read(folder), now=ground.now, actor="hugo.willems@fwb.example")
    return folder


def tried_at_the_end(ground: Ground) -> bool:
    """The last kill: the time to the next letter is measured, by the clock as it is. False when the wave has ended."""
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
    """Workers until the wave is over; each begins an hour later, so that what was put off comes due.

    The first begins later than any clock has shown: the end of a wave, too, is after its letters.
    """
    ground.stop_all()
    ground.offset += AWAY
    while not ground.is_finished():
        ground.offset += timedelta(hours=1)
        worker = ground.start()
        ground.happens(lambda: ground.is_finished() or ground.waits_for_later())
        ground.stop(worker)
