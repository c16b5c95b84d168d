"""This machine: the settings, the data folder, its disk, the memory of the service's processes."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.engine import make_url

from outreach import __version__
from outreach.core.settings import Settings
from outreach.core.settings.reading import OTHERS, OWN_FILES, faults_of_folder, gone, unknown
from outreach.core.text import french
from outreach.operations.alerts import AlertKind
from outreach.operations.health._check import (
    Alarm,
    Examined,
    Finding,
    HealthFigure,
    fault,
    of_place,
    ok,
    warning,
    worst,
)

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


LEAST_FREE = 200_000_000  # bytes, below which the service alarms; a sending of 20,000 letters writes a tenth of it
SCARCE = 10  # times as much


def settings(examined: Examined) -> Finding:
    """Whether every `OUTREACH_…` of the environment is a setting. Faulty ones keep any command from running."""
    strange = unknown(examined.environment)
    if old := gone(examined.environment):
        return warning(" ".join(old))
    if strange:
        return warning(f"Aucun réglage ne s’appelle {', '.join(strange)} : retirez-le, ou corrigez son nom.")
    named = len(examined.settings.model_fields_set)
    return ok(f"Mode {examined.settings.mode}, {french.plural(named, 'réglage nommé', 'réglages nommés')}.")


def folder(examined: Examined) -> Finding:
    """Whether we may write in the data folder, and nobody else may open it or its secrets."""
    data = examined.settings.data
    if not data.is_dir():
        return fault(
            f"{data} n’existe pas : créez ce dossier (install -d -m 0700), au nom de l’utilisateur du service."
        )
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        return fault(f"{data} ne s’écrit pas sous ce compte : rendez-le à l’utilisateur du service (chown).")
    if faults := faults_of_folder(examined.settings):
        return fault(" ".join(faults))
    shown = [str(path) for path in map(data.joinpath, OWN_FILES) if path.exists() and path.stat().st_mode & OTHERS]
    if shown:
        return warning(f"{', '.join(shown)} se lit par d’autres comptes : chmod 600 {' '.join(shown)}.")
    return ok(f"{data} est à ce compte seul.")


def disk(examined: Examined) -> Finding:
    """How much room is left where the data folder is, and where an SQLite database is."""
    url, places = make_url(examined.settings.database), {_there(examined.settings.data)}
    if url.get_backend_name() == "sqlite" and url.database:
        places.add(_there(Path(url.database).parent))
    return worst([_room(place) for place in sorted(places)])


def _there(path: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.exists())


def _room(place: Path) -> Finding:
    usage = shutil.disk_usage(place)
    words = f"{place} : {french.size(usage.free)} libres sur {french.size(usage.total)}"
    if usage.free < LEAST_FREE:
        return fault(f"{words} : libérez de la place, sans elle rien ne s’enregistre et rien ne part.")
    if usage.free < SCARCE * LEAST_FREE:
        return warning(f"{words} : faites de la place avant la prochaine grande campagne.")
    return ok(f"{words}.")


def is_short(folder: Path, least: int = LEAST_FREE) -> bool:
    """Whether the disk of the data folder has little room left; False where the folder cannot be asked."""
    try:
        return shutil.disk_usage(folder).free < least
    except OSError:
        return False


FULL = Alarm(
    AlertKind.DISK_FULL,
    "Le disque du service est plein, ou presque.",
    "Libérez de la place : sinon rien ne s’enregistre, et rien ne part.",
    "Le disque a de nouveau de la place.",
    names=of_place,
)


def figures(settings: Settings) -> Iterator[HealthFigure]:
    """The version, the disk and the memory of processes."""
    yield HealthFigure("build_info", "The version of the program.", {__version__: 1.0}, ("version",))
    with suppress(OSError):
        usage = shutil.disk_usage(settings.data)
        yield HealthFigure("disk_free_bytes", "Room left for the data folder.", usage.free)
        yield HealthFigure("disk_size_bytes", "Size of its disk.", usage.total)
    sizes = {(one.name, str(one.pid)): float(one.pss) for one in measured()}
    said = "Memory of each process of this unit (proportional share, PSS)."
    yield HealthFigure("process_pss_bytes", said, sizes, ("process", "pid"))
