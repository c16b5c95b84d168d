"""The ground of a chaos run: a database of its own, a relay and, to be filled, a small disk."""

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
from outreach.core.db import Database
from tests.chaos.harness import Field
from tests.servers.postgresql import Server
from tests.servers.relays import Relays

BOTH = ("sqlite", "postgresql")
MEGABYTES = 512  # enough for a new server and a wave of some thousand letters
Rules = tuple[dict[str, object], ...]


class Ground(Field):
    """A field whose database can be broken, and what was measured on it.

    `server` is set on PostgreSQL, `disk` when the fault needs one. `resumed` has the seconds from the end of each
    outage to the next letter. `decided` has the recipient of each decision (None: everybody), its start and its end.
    """

    server: Server | None = None
    disk: "Disk | None" = None

    def __init__(self, *arguments: object, **changes: object) -> None:
        super().__init__(*arguments, **changes)
        self.resumed: list[float] = []
        self.decided: list[tuple[str | None, float, float]] = []


@dataclass(frozen=True)
class Fault:
    """One way to break a sending, and by default how many letters it needs and how many times it strikes.

    `relay`: rules of the relay during the whole run. `slow`: rules that slow the relay, so that rounds are broken in
    their middle and the wave lasts; they are lifted before the wave is finished. `is_tried_at_the_end`: whether one
    more kill measures how soon letters leave again.
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
    """Rules of a relay that waits with each letter: before it accepts the recipient, or after it accepts the letter."""
    taken = {"dot": "accept:slow:{}:250 2.0.0 ok queued", "rcpt": "slow:{}:250 2.1.5 ok"}
    return ({"stage": stage, "reply": taken[stage].format(seconds)},)


class Disk:
    """A small file system in memory, to be filled and freed. Mounting one needs root."""

    def __init__(self, megabytes: int = MEGABYTES) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outreach-disk-"))
        options = f"size={megabytes}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], check=True)
        self.ballast = self.folder / "ballast"

    def fill(self) -> None:
        """Fill the disk to the last byte."""
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(os.statvfs(self.folder).f_bavail * 4096 or 4096))

    def free(self) -> None:
        """Free the space again."""
        self.ballast.unlink()

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()


def may_mount() -> bool:
    """Whether this process may mount a small disk."""
    try:
        Disk(1).remove()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextlib.contextmanager
def prepared(
    fault: Fault, database: str, messages: int, *, durable: bool = True, offset: timedelta = timedelta()
) -> Iterator[Ground]:
    """A ground with a due wave of this size, for one fault on one database. All of it is removed afterwards."""
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
