"""The memory of the processes of this service on this machine: those that its supervisor started, and theirs."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
NAMES = ("supervisor", "web", "work", "mailbox", "job_child")


class ProcessMemory(NamedTuple):
    """A process: its number, what it is, and its proportional share of memory (PSS) in bytes."""

    pid: int
    name: str
    pss: int


def measured(root: int | None = None) -> Iterator[ProcessMemory]:
    """The process with this number and those below it; by default, of the supervisor that started this one.

    Where there is none, this process alone and those below it. A process that may not be asked is left out.
    """
    root = root or (os.getppid() if _name(os.getppid()) == "supervisor" else os.getpid())
    for pid in [root, *_below(root)]:
        with suppress(OSError, ValueError):  # it has ended meanwhile, or is another account's
            lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
            pss = next(line for line in lines if line.startswith("Pss:"))
            yield ProcessMemory(pid, _name(pid), int(pss.split()[1]) * 1024)


def _below(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in PROC.iterdir():
        with suppress(OSError, ValueError):
            parent = int((path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.name))
    found, places = [], [root]
    while places:
        below = children.get(places.pop(), [])
        found += below
        places += below
    return sorted(found)


def _name(pid: int) -> str:
    """What a process is, by its command line; `other` for a child that reads what others sent, for example."""
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        last = [word.rpartition(".")[2] for word in words if word]
        return next((word for word in last if word in NAMES), "other")
    return "other"
