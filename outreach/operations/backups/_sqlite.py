"""Backs up an SQLite database by its backup interface, restores it as a new file, and says what it holds."""

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from outreach.core.db import make_private
from outreach.core.text.errors import Refused
from outreach.operations.backups._manifest import VERSIONS, Contents, TableContents, Unreadable, digest_of

KIND = "sqlite"
ENDING = "sqlite3"
SECONDS = 15  # to wait for a lock
SIDE_FILES = ("-wal", "-shm", "-journal")
MODULUS = 1 << 64


def path_of(url: str) -> Path:
    """The file of a database. Raises Refused for one in memory."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise Refused("Nommez un fichier : sqlite:////chemin/de/la/base.sqlite3")
    return Path(name)


def version_of(_url: str) -> str:
    """The version of SQLite."""
    return sqlite3.sqlite_version


def back_up(url: str, to: Path) -> Contents:
    """Copy a database into a file, and say what it held: both in one reading transaction, which no writer waits for.

    Raises Refused where there is no database, Unreadable, OSError where the disk is full.
    """
    path = path_of(url)
    if not path.exists():
        raise Refused(f"Il n’y a pas de base à {path} : rien n’est sauvegardé.")
    with _opened(path) as source, closing(sqlite3.connect(to)) as copy:
        source.execute("BEGIN")
        held = _contents(source)
        if not held.tables:
            raise Refused(f"La base {path} n’a aucune table : rien n’est sauvegardé.")
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, which can be opened where nothing may be written
    return held


def contents_of(url: str) -> Contents:
    """What a database holds. Raises Unreadable."""
    with _opened(path_of(url)) as connection:
        connection.execute("BEGIN")
        return _contents(connection)


def make_new(url: str, file: Path) -> None:
    """Make a new database of a backup. Raises Refused where there is one, OSError where the disk is full."""
    path = path_of(url)
    for beside in _files_of(path):
        if beside.exists():
            raise Refused(f"{beside} existe déjà : une sauvegarde se restaure dans une base neuve, sous un autre nom.")
    make_private(path.parent)
    with file.open("rb") as source, os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as new:
        try:
            shutil.copyfileobj(source, new, 1 << 20)
            new.flush()
            os.fsync(new.fileno())
        except OSError:
            path.unlink()
            raise


def make_room(_url: str) -> None:
    """Nothing: a rehearsal makes its file itself."""


def drop(url: str) -> None:
    """Remove a database in which a backup was rehearsed, and what SQLite left beside it."""
    for one in _files_of(path_of(url)):
        one.unlink(missing_ok=True)


def faults_of(url: str) -> list[str]:
    """What SQLite itself finds wrong with a database: its pages, its indexes, references that lead nowhere."""
    with _opened(path_of(url)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(20)")]
        lost = {str(row[0]) for row in connection.execute("PRAGMA foreign_key_check")}
    told = [] if found == ["ok"] else [f"SQLite trouve la base abîmée : {line}" for line in found]
    return told + [f"Des lignes de {table} renvoient à des lignes qui n’existent pas." for table in sorted(lost)]


def _files_of(path: Path) -> Sequence[Path]:
    """A database's file, and those that SQLite may keep beside it."""
    return [path.with_name(path.name + ending) for ending in ("", *SIDE_FILES)]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads. Raises Unreadable where the file is no database, or a damaged one."""
    uri = f"{path.absolute().as_uri()}?mode=rw"  # read-only, SQLite could not open a log that needs recovery
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=SECONDS)) as connection:
            connection.execute("PRAGMA query_only=ON")
            yield connection
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, "plus de place sur le disque", str(path)) from None
        raise Unreadable(f"La base {path.name} ne se lit pas ({error}).") from None


def _contents(connection: sqlite3.Connection) -> Contents:
    named = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master").fetchall()
    tables = sorted(name for kind, name, *_ in named if kind == "table" and not name.startswith("sqlite_stat"))
    return Contents(
        revision=_revision(connection) if VERSIONS in tables else "",
        tables={name: _table(connection, name) for name in tables},
        sequences={},
        schema_digests={
            f"{kind} {name}": digest_of(f"{table} {sql}")
            for kind, name, table, sql in sorted(named)
            if not name.startswith("sqlite_")
        },
    )


def _revision(connection: sqlite3.Connection) -> str:
    return ",".join(str(row[0]) for row in connection.execute(f"SELECT version_num FROM {VERSIONS} ORDER BY 1"))  # noqa: S608


def _table(connection: sqlite3.Connection, name: str) -> TableContents:
    rows = total = 0
    quoted = name.replace('"', '""')
    for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 a name of the catalogue
        rows += 1
        total += int.from_bytes(hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest()[:8])
    return TableContents(rows=rows, digest=f"{total % MODULUS:016x}")
