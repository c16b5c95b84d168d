"""The memory of the processes of this service on this machine: those started together with this one, and theirs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
NAMES = {"granian": "web", **{name: name for name in ("supervisor", "work", "mailbox", "job_child")}}


class ProcessMemory(NamedTuple):
    """A process: its number, what it is, and its proportional share of memory (PSS) in bytes."""

    pid: int
    name: str
    pss: int


def measured(root: int | None = None) -> Iterator[ProcessMemory]:
    """The process with this number and those below it; by default, of the supervisor that started granian.

    Where there is none, those of granian, or this process alone. A process that may not be asked is left out.
    """
    parents = {}
    for place in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError):  # it has ended meanwhile
            stat = (place / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(place.name)] = int(stat.rpartition(")")[2].split()[1])
    if root is None:
        root = os.getpid()
        while _name(parents.get(root, 0)) in {"supervisor", "web"}:
            root = parents[root]
    for pid in sorted(parents):
        if root in _upwards(pid, parents):
            with suppress(OSError, ValueError, StopIteration):  # or is another account's
                lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
                pss = next(line for line in lines if line.startswith("Pss:"))
                yield ProcessMemory(pid, _name(pid), int(pss.split()[1]) * 1024)


def _upwards(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    while pid:
        yield pid
        pid = parents.get(pid, 0)


def _name(pid: int) -> str:
    """What a process is, by a word of its command line; `other` for a child that reads what others sent."""
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        last = [word.rpartition(".")[2] for word in words if word]
        return next((NAMES[word] for word in last if word in NAMES), "other")
    return "other"
