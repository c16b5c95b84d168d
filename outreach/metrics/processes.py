"""The memory of the processes of this service on this machine: those started together with this one, and theirs."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
NAMES = {
    "supervisor": "supervisor",
    "granian": "web",
    "work": "work",
    "mailbox": "mailbox",
    "job_child": "job_child",
}  # by a word of the command line


class ProcessMemory(NamedTuple):
    """A process: its number, what it is, and its proportional share of memory (PSS) in bytes."""

    pid: int
    name: str
    pss: int


def measured(root: int | None = None) -> Iterator[ProcessMemory]:
    """The process with this number and those below it; by default, of the supervisor that started granian.

    Where there is none, those of granian, or this process alone. A process that may not be asked is left out.
    """
    root = root or _root(os.getpid())
    for pid in [root, *_below(root)]:
        with suppress(OSError, ValueError):  # it has ended meanwhile, or is another account's
            lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
            pss = next(line for line in lines if line.startswith("Pss:"))
            yield ProcessMemory(pid, _name(pid), int(pss.split()[1]) * 1024)


def _root(pid: int) -> int:
    while (parent := _parent(pid)) and _name(parent) in {"supervisor", "web"}:
        pid = parent
    return pid


def _parent(pid: int) -> int:
    return int((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])


def _below(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in PROC.iterdir():
        with suppress(OSError, ValueError):
            children.setdefault(_parent(int(path.name)), []).append(int(path.name))
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
        return next((NAMES[word] for word in last if word in NAMES), "other")
    return "other"
