"""Where a sending is broken: a database of its own, on a small disk where it has to get full, a relay, a field."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from outreach.cli.preparation import prepare
from outreach.db import Database
from tests.chaos.harness import Field
from tests.postgresql import Server
from tests.relays import Relays

BOTH = ("sqlite", "postgresql")
MEGABYTES = 512  # what a server needs to be born, and a wave of some thousand letters
Rules = tuple[dict[str, object], ...]


class Ground(Field):
    """A field whose database can be broken, and what was measured on it.

    `server` is there on PostgreSQL, `disk` when asked for. `resumed` has the seconds from the end of each outage to the
    next letter, `decided` whom a decision was aimed at (None: everybody), and when it was in force.
    """

    server: Server | None = None
    disk: "Disk | None" = None

    def __init__(self, *arguments: object, **changes: object) -> None:
        super().__init__(*arguments, **changes)
        self.resumed: list[float] = []
        self.decided: list[tuple[str | None, float, float]] = []


@dataclass(frozen=True)
class Fault:
    """One way to break a sending, and what it takes to show it: letters, times, how the relay behaves.

    `slow`: what makes the relay think, so that rounds are broken in their middle and the wave lasts; not at the end.
    `is_tried_at_the_end`: whether it is measured, once more, how soon letters leave again after a kill.
    """

    strike: Callable[[Ground, random.Random], None]
    messages: int
    times: int
    slow: Rules = ()
    relay: Rules = ()
    databases: tuple[str, ...] = BOTH
    is_tried_at_the_end: bool = False
    needs_a_disk: bool = False


def slow(stage: str, seconds: float) -> Rules:
    """A relay that thinks about each letter, before it takes the recipient or once it has taken the letter."""
    taken = {"dot": "accept:slow:{}:250 2.0.0 ok queued", "rcpt": "slow:{}:250 2.1.5 ok"}
    return ({"stage": stage, "reply": taken[stage].format(seconds)},)


class Disk:
    """A small file system in memory, to be filled and freed. Mounting one takes root's rights."""

    def __init__(self, megabytes: int = MEGABYTES) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-disk-"))
        options = f"size={megabytes}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True)
        self.ballast = self.folder / "ballast"

    def fill(self) -> None:
        """Leave no room, not for a byte."""
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(os.statvfs(self.folder).f_bavail * 4096 or 4096))

    def free(self) -> None:
        """Give the room back."""
        self.ballast.unlink()

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()


def may_mount() -> bool:
    """Whether a small disk can be had here."""
    try:
        Disk(1).remove()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextlib.contextmanager
def prepared(
    fault: Fault, database: str, messages: int, *, durable: bool = True, offset: timedelta = timedelta()
) -> Iterator[Ground]:
    """A field with a wave of so many letters that is due, for one fault on one database; gone without a trace after."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="outreach-chaos-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        disk = Disk() if fault.needs_a_disk else None
        stack.callback(disk.remove if disk else list)
        place = disk.folder if disk else folder
        server = Server(durable=durable, on=disk and place) if database == "postgresql" else None
        stack.callback(server.stop if server else list)
        opened = Database(url := server.url() if server else f"sqlite:///{place / 'chaos.sqlite3'}")
        stack.callback(opened.dispose)
        prepare(opened)
        relay = Relays(folder / "sink", "--lint-every", "0")
        stack.callback(relay.stop)
        relay.script(*fault.relay, *fault.slow)
        ground = Ground(opened, url, relay, place / "data-folder", recipients=messages, offset=offset)
        stack.callback(ground.clear)
        ground.server, ground.disk = server, disk
        yield ground
