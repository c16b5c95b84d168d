"""Restores a backup into a new database, and proves it: against its manifest, and by what the program itself checks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from outreach.backups import databases, keys, manifest, postgresql
from outreach.backups.contents import Unreadable, differences
from outreach.backups.manifest import Manifest
from outreach.errors import InputError

Prove = Callable[[str, datetime], list[str]]
"""What the program finds wrong in the database at an address, as of a moment: French sentences."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was made of a backup: its manifest, what is wrong with it, which settings lack which key."""

    manifest: Manifest
    faults: Sequence[str]
    lacking: Mapping[str, str]


def restore(file: Path, url: str, here: Mapping[str, Sequence[str]], prove: Prove) -> Restored:
    """Make a new database of a backup, and check it. `here`: the fingerprints of this installation's keys.

    A database that has faults stays where it is, to be looked at. Raises Refused or InputError where none is made,
    OSError.
    """
    kind = databases.of(url)
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
    kind = databases.of(url)
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
    kind = databases.of(url)
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
