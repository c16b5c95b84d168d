"""Backups: made whole or not at all, restored into a new database, proved by their manifest."""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from outreach import __version__
from outreach.core.text.errors import InputError, Refused
from outreach.operations.backups import _manifest as keys
from outreach.operations.backups import _manifest as manifest
from outreach.operations.backups import _postgresql as postgresql
from outreach.operations.backups import _sqlite as sqlite
from outreach.operations.backups._manifest import Contents, Manifest, Server, Unreadable, differences

PREFIX = "outreach-"
STAMP = "%Y-%m-%dT%H%M%SZ"
NAMED = re.compile(rf"{PREFIX}\d{{4}}-\d\d-\d\dT\d{{6}}Z\.[a-z0-9]+")  # what else lies in the folder is somebody's own
PARTIAL = ".outreach-backup.partial"


@dataclass(frozen=True, slots=True)
class BackupOrigin:
    """Where a backup comes from: the identity of the installation, the fingerprints of its keys by setting."""

    installation: str
    keys: dict[str, list[str]]


class Backup(NamedTuple):
    """A backup: its file, and its manifest."""

    file: Path
    manifest: Path


def make_backup(url: str, folder: Path, origin: BackupOrigin, *, now: datetime) -> Backup:
    """Back up a database into a folder. What is not whole is never under its name, and a failure leaves nothing.

    Raises Refused, Unreadable (a table cannot be read), OSError.
    """
    kind = of(url)
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


def forget_backups(folder: Path, days: int, *, now: datetime) -> int:
    """Delete the backups of a folder that were made more than so many days ago, by their names. Returns how many."""
    oldest = f"{PREFIX}{(now - timedelta(days=days)).astimezone(UTC).strftime(STAMP)}"
    with held(folder):
        old = [path for path in _all(folder) if path.stem < oldest]
        for path in old:
            path.unlink()
    return len({path.stem for path in old})


def newest_backup(folder: Path) -> Path | None:
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
    endings = {f".{kind.ENDING}" for kind in KINDS.values()} | {manifest.ENDING}
    return [path for path in folder.glob(f"{PREFIX}*") if NAMED.fullmatch(path.name) and path.suffix in endings]


def age_of_newest(folder: Path, *, now: datetime) -> timedelta | None:
    """How old the newest backup is, which is there and as long as it was; None without any. Raises Refused, OSError."""
    file = newest_backup(folder)
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


Prove = Callable[[str, datetime], list[str]]
"""What the program finds wrong in the database at an address, as of a moment: French sentences."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was made of a backup: its manifest, what is wrong with it, which settings lack which key."""

    manifest: Manifest
    faults: Sequence[str]
    lacking: Mapping[str, str]


def restore_backup(file: Path, url: str, here: Mapping[str, Sequence[str]], prove: Prove) -> Restored:
    """Make a new database of a backup, and check it. `here`: the fingerprints of this installation's keys.

    A database that has faults stays where it is, to be looked at. Raises Refused or InputError where none is made,
    OSError.
    """
    kind = of(url)
    read = manifest.read(file)
    if read.server.kind != kind.KIND:
        raise InputError(
            f"Cette sauvegarde est d’une base {read.server.kind} : elle ne va pas dans une base {kind.KIND}."
        )
    manifest.check_file(file, read)
    kind.make_new(url, file)
    return Restored(read, check(url, read, prove), keys.lacking(read.keys, here))


def check(url: str, read: Manifest, prove: Prove) -> list[str]:
    """What is wrong with a database that was made of the backup of this manifest, a French sentence each."""
    kind = of(url)
    try:
        is_same = kind.KIND == "sqlite" or kind.version_of(url).partition(".")[0] == read.server.major
        told = kind.faults_of(url) + differences(read.contents, kind.contents_of(url), with_definitions=is_same)
    except Unreadable as error:
        return [str(error)]
    return told or prove(url, read.made_at)


@contextmanager
def aside(url: str, folder: Path) -> Iterator[str]:
    """The address of a database beside the living one, for a rehearsal; it is dropped before and after.

    SQLite's file stands in the folder of the backups. Raises Refused.
    """
    kind = of(url)
    name = f"{make_url(url).database}_rehearsal"
    if kind.KIND == postgresql.KIND:
        place = make_url(url).set(database=name).render_as_string(hide_password=False)
    else:
        place = f"sqlite:///{folder.resolve() / '.rehearsal.sqlite3'}"
    kind.drop(place)
    try:
        kind.make_room(place)
        yield place
    finally:
        kind.drop(place)


class DatabaseKind(Protocol):
    """What is done to a database of a kind; `ENDING` is that of its backups' names."""

    KIND: str
    ENDING: str

    def version_of(self, url: str) -> str: ...
    def back_up(self, url: str, to: Path) -> Contents: ...
    def contents_of(self, url: str) -> Contents: ...
    def make_new(self, url: str, file: Path) -> None: ...
    def faults_of(self, url: str) -> list[str]: ...
    def make_room(self, url: str) -> None: ...
    def drop(self, url: str) -> None: ...


KINDS: dict[str, DatabaseKind] = {kind.KIND: cast("DatabaseKind", kind) for kind in (sqlite, postgresql)}


def of(url: str) -> DatabaseKind:
    """The kind of a database. Raises InputError."""
    try:
        return KINDS[make_url(url).get_backend_name()]
    except (ArgumentError, KeyError):
        raise InputError("L’adresse d’une base s’écrit sqlite:////chemin ou postgresql://…") from None


def address_without_password(url: str) -> str:
    """The address without its password."""
    return make_url(url).render_as_string(hide_password=True)
