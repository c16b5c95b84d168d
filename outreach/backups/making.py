"""Makes a backup: its file and its manifest, each written under another name and moved into place once it is whole."""

import errno
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from outreach import __version__
from outreach.backups import databases, manifest
from outreach.backups.manifest import Manifest, Server
from outreach.errors import Refused

PREFIX = "outreach-"
STAMP = "%Y-%m-%dT%H%M%SZ"
NAMED = re.compile(rf"{PREFIX}\d{{4}}-\d\d-\d\dT\d{{6}}Z\.[a-z0-9]+")  # what else lies in the folder is somebody's own
PARTIAL = ".outreach-backup.partial"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a backup comes from: the identity of the installation, the fingerprints of its keys by setting."""

    installation: str
    keys: dict[str, list[str]]


class Backup(NamedTuple):
    """A backup: its file, and its manifest."""

    file: Path
    manifest: Path


def make(url: str, folder: Path, origin: Origin, *, now: datetime) -> Backup:
    """Back up a database into a folder. What is not whole is never under its name, and a failure leaves nothing.

    Raises Refused, Unreadable (a table cannot be read), OSError.
    """
    kind = databases.of(url)
    with held(folder):
        file = folder / f"{PREFIX}{now.astimezone(UTC).strftime(STAMP)}.{kind.ENDING}"
        if file.exists():
            raise Refused(f"{file.name} existe déjà : une sauvegarde par seconde suffit.")
        with _partial(folder) as partial:
            contents = kind.back_up(url, partial)
            written = Manifest(
                file=file.name,
                size=partial.stat().st_size,
                sha256=manifest.sha256_of(partial),
                made_at=now,
                version=__version__,
                server=Server(kind=kind.KIND, version=kind.version_of(url)),  # type: ignore[arg-type]
                installation=origin.installation,
                keys=origin.keys,
                contents=contents,
            )
            _move(partial, file)
        try:
            _write(manifest.place_of(file), written.sealed().model_dump_json(indent=1))
        except OSError:
            file.unlink()
            raise
    return Backup(file, manifest.place_of(file))


def forget(folder: Path, days: int, *, now: datetime) -> int:
    """Delete the backups of a folder that were made more than so many days ago, by their names. Returns how many."""
    oldest = f"{PREFIX}{(now - timedelta(days=days)).astimezone(UTC).strftime(STAMP)}"
    with held(folder):
        old = [path for path in _all(folder) if path.stem < oldest]
        for path in old:
            path.unlink()
    return len({path.stem for path in old})


def newest(folder: Path) -> Path | None:
    """The file of the backup whose name is the last, whether its manifest stands beside it or not; None for none."""
    found = _all(folder)
    last = max((path.stem for path in found), default=None)
    files = [path for path in found if path.stem == last]
    return next((path for path in files if path.suffix != manifest.ENDING), files[0] if files else None)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder for one command at a time. Raises Refused where there is none, or another command is at work."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except NotADirectoryError:
        raise Refused(f"{folder} n’est pas un dossier : indiquez celui des sauvegardes.") from None
    except FileNotFoundError:
        raise Refused(f"Le dossier {folder} n’existe pas : créez-le par install -d -m 0700 {folder}") from None
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        os.fsync(place)
    except BlockingIOError:
        raise Refused(
            f"Une autre sauvegarde, ou son essai, est en cours dans {folder} : recommencez ensuite."
        ) from None
    finally:
        os.close(place)


def _all(folder: Path) -> Sequence[Path]:
    endings = {f".{kind.ENDING}" for kind in databases.KINDS.values()} | {manifest.ENDING}
    return [path for path in folder.glob(f"{PREFIX}*") if NAMED.fullmatch(path.name) and path.suffix in endings]


def age_of_newest(folder: Path, *, now: datetime) -> timedelta | None:
    """How old the newest backup is, which is there and as long as it was; None without any. Raises Refused, OSError."""
    file = newest(folder)
    if file is None:
        return None
    read = manifest.read(file)
    manifest.check_size(file, read)
    return now - read.made_at


@contextmanager
def _partial(folder: Path) -> Iterator[Path]:
    """An empty file that only its owner may read, removed at the end. One left behind by a failure is replaced.

    Raises OSError, with a sentence of its own where the disk is full.
    """
    path = folder / PARTIAL
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield path
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Refused(
                f"Il n’y a plus de place dans {folder} : rien n’est sauvegardé, libérez de la place."
            ) from None
        raise
    finally:
        for left in folder.glob(f"{PARTIAL}*"):  # SQLite's own beside it
            left.unlink()


def _write(path: Path, text: str) -> None:
    with _partial(path.parent) as partial:
        partial.write_text(text, encoding="utf-8")
        _move(partial, path)


def _move(partial: Path, path: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.rename(path)
