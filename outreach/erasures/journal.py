"""Keeps the digests of erased addresses in a file outside the database: a backup from before an erasure lacks them."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from outreach.errors import InputError

FILE = "erasures.jsonl"  # in the data folder


@dataclass(frozen=True, slots=True)
class Line:
    """An erasure: the digest of the address, the sign of the key that made it, when, and whether the address stayed."""

    digest: str
    key: str
    at: datetime
    keeps_address: bool = False


def add(folder: Path, line: Line) -> None:
    """Add an erasure to the file, down to the disk. Raises OSError."""
    held = {"digest": line.digest, "key": line.key, "at": line.at.isoformat()}
    told = json.dumps(held | ({"keeps_address": True} if line.keeps_address else {})) + "\n"
    place = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(place, "w", encoding="utf-8") as file:
        file.write(told)
        file.flush()
        os.fsync(file.fileno())


def carry(source: Path, target: Path) -> None:
    """Add to the file of one folder the erasures of another folder's file that it lacks.

    A backup carries them beside itself, and a restore back, as the disk of the data folder may be lost. Raises OSError,
    InputError for a line that is none.
    """
    known = {(line.digest, line.keeps_address) for line in read(target)}
    for line in read(source):
        if (line.digest, line.keeps_address) not in known:
            add(target, line)


def read(folder: Path) -> list[Line]:
    """The erasures of the file, the oldest first; none without a file. Raises InputError for a line that is none."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            held = json.loads(text)
            at, keeps = datetime.fromisoformat(held["at"]), bool(held.get("keeps_address"))
            lines.append(Line(held["digest"], held["key"], at, keeps))
        except (ValueError, KeyError, TypeError, AttributeError):
            said = f"{path}, ligne {number} : ce n’est pas un effacement ; remettez la ligne d’origine."
            raise InputError(said) from None
    return lines
