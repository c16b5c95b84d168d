"""Backs up a PostgreSQL database by PostgreSQL's own programs, restores it, and says what it holds."""

import errno
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from outreach.core.text.errors import Refused
from outreach.operations.backups._manifest import VERSIONS, Contents, TableContents, Unreadable, digest_of

FOLDERS = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")  # of Debian, of Red Hat
VERSION = re.compile(r"\(PostgreSQL\) (\d{1,3})")
KEPT = ("PATH", "HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLMODE")
LONGEST_SAID = 500
NO_ROOM = "No space left on device"


def find(name: str, major: int) -> str:
    """The path of a program of this major version.

    An older one does not know the server, and what a newer one writes an older server does not read. Raises Refused.
    """
    seen = set()
    for path in _candidates(name, major):
        found = _version(path)
        if found == major:
            return str(path)
        seen.add(found)
    others = ", ".join(str(one) for one in sorted(seen - {0}))
    there = f"installé ici : {others}" if others else "aucun n’est installé ici"
    raise Refused(
        f"Le serveur est un PostgreSQL {major}, dont il faut le programme {name} ({there}) : "
        f"installez postgresql-client-{major}."
    )


def run(command: Sequence[str], url: URL) -> None:
    """Run a program on a database. Its password is in the environment, where other accounts do not see it.

    Raises Refused with what the program said, OSError where the disk is full.
    """
    environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"LC_ALL": "C"}
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    # `URL.set` takes None for "as it is".
    place = url._replace(drivername="postgresql", password=None).render_as_string(hide_password=False)
    ended = subprocess.run(  # noqa: S603 a program of PostgreSQL, by its path
        [*command, f"--dbname={place}"], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode == 0:
        return
    if NO_ROOM in ended.stderr:
        raise OSError(errno.ENOSPC, "plus de place sur le disque")
    said = " ".join(ended.stderr.split())[:LONGEST_SAID]
    raise Refused(f"{Path(command[0]).name} s’est arrêté : {said}")


def _candidates(name: str, major: int) -> Iterator[Path]:
    folders = [place.format(major) for place in FOLDERS] + os.environ.get("PATH", "").split(os.pathsep)
    for folder in folders:
        path = Path(folder) / name
        if folder and os.access(path, os.X_OK):
            yield path


def _version(path: Path) -> int:
    said = subprocess.run([path, "--version"], env={}, capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = VERSION.search(said)
    return int(found[1]) if found else 0


KIND = "postgresql"
ENDING = "dump"
PLAIN = ("--no-owner", "--no-privileges", "--no-tablespaces")  # whoever restores may have other roles
SERVER = "postgres"  # the database that every server has
OURS = "outreach: a backup is rehearsed here, this may be dropped"
NOT_ALLOWED = "42501"  # SQLSTATE
# However the server is set: rows are written the same way, and nothing ends a transaction that waits for pg_dump.
SET_SO = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
}
TABLES = """
SELECT quote_ident(c.relname), c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 2"""
# The sum of 60 bits of the SHA-256 of each row.
TABLE = """
SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(the_row::text, 'UTF8')), 'hex'), 15))::bit(60)::bigint), 0)::text
FROM {} AS the_row"""  # noqa: E501
SEQUENCES = "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences WHERE schemaname = current_schema()"
# Before PostgreSQL 18 what may not be empty is no constraint of its own: columns say it.
DEFINITIONS = """
SELECT 'column ' || c.relname || '.' || a.attname,
  concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, l.collname,
            pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.connamespace = current_schema()::regnamespace AND k.contype <> 'n'
UNION ALL
SELECT 'index ' || c.relname, concat_ws(' ', i.indisvalid, pg_get_indexdef(i.indexrelid))
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'trigger ' || c.relname || '.' || t.tgname, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function ' || p.proname || '/' || p.pronargs, pg_get_functiondef(p.oid)
FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.prokind IN ('f', 'p')
UNION ALL
SELECT 'view ' || c.relname, pg_get_viewdef(c.oid)
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence ' || s.sequencename, concat_ws(' ', s.data_type, s.increment_by)
FROM pg_sequences s WHERE s.schemaname = current_schema()
ORDER BY 1"""


def version_of(url: str) -> str:
    """The version of the server."""
    with _connected(_url(url)) as connection:
        return str(connection.exec_driver_sql("SHOW server_version").scalar_one())


def back_up(url: str, to: Path) -> Contents:
    """Dump a database into a file, and say what it held: both in one snapshot, which no writer waits for.

    Raises Refused where there is no database or no program, Unreadable, OSError where the disk is full.
    """
    place = _url(url)
    with _snapshot(place) as connection:
        program = find("pg_dump", _major(connection))
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        held = _contents(connection)  # sequences, which no snapshot holds, are read before they are dumped
        if not held.tables:
            raise Refused(f"La base {place.database} n’a aucune table : rien n’est sauvegardé.")
        run([program, "--format=custom", *PLAIN, f"--snapshot={snapshot}", f"--file={to}"], place)
    return held


def contents_of(url: str) -> Contents:
    """What a database holds. Raises Unreadable."""
    with _snapshot(_url(url)) as connection:
        return _contents(connection)


def make_new(url: str, file: Path) -> None:
    """Make a new database of a backup, or fill an empty one, by one transaction.

    Raises Refused where the database has tables, may not be created, or the backup cannot be read.
    """
    place = _url(url)
    is_made = _create(place)
    try:
        program = find("pg_restore", _major_of_empty(place))
        run([program, "--exit-on-error", "--single-transaction", *PLAIN, str(file)], place)
    except BaseException:
        if is_made:
            _drop(place)
        raise
    with _connected(place) as connection:
        connection.exec_driver_sql("ANALYZE")


def _major_of_empty(place: URL) -> int:
    """The server's version. Raises Refused where the database has tables."""
    with _connected(place) as connection:
        if not connection.exec_driver_sql(TABLES).first():
            return _major(connection)
    new = "une sauvegarde se restaure dans une base neuve, sous un autre nom"
    raise Refused(f"La base {place.database} a déjà des tables : {new}.")


def drop(url: str) -> None:
    """Drop a database that was made to rehearse a backup in, where there is one. Raises Refused for any other."""
    place = _url(url)
    with _connected(place.set(database=SERVER)) as connection:
        named = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %(name)s"
        found = connection.exec_driver_sql(named, {"name": place.database}).first()
    if found is None:
        return
    if found[0] != OURS:
        raise Refused(f"La base {place.database} existe, et n’est pas d’un essai de restauration : renommez-la.")
    _drop(place)


def make_room(url: str) -> None:
    """Make an empty database to rehearse a backup in: `drop` drops it, and no other. Raises Refused."""
    place = _url(url)
    if not _create(place):
        raise Refused(f"La base {place.database} existe déjà.")
    with _connected(place) as connection:
        connection.exec_driver_sql(f"COMMENT ON DATABASE {_quoted(connection, place)} IS '{OURS}'")


def faults_of(_url: str) -> list[str]:
    """Nothing: the server built the indexes anew and checked each reference as it restored them."""
    return []


def _url(url: str) -> URL:
    place = make_url(url)
    if not place.database:
        raise Refused("Nommez la base : postgresql://compte@hôte/base")
    return place.set(drivername="postgresql+psycopg")


@contextmanager
def _connected(place: URL) -> Iterator[Connection]:
    """A connection that commits each statement. Raises Refused where the server refuses us."""
    engine = create_engine(place, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    except OperationalError as error:
        raise Refused(f"La base {place.database} ne répond pas : {_said(error)}") from None
    finally:
        engine.dispose()


@contextmanager
def _snapshot(place: URL) -> Iterator[Connection]:
    """A transaction that reads one state, and writes rows as text in one way."""
    engine = create_engine(place, isolation_level="REPEATABLE READ", hide_parameters=True)
    try:
        with engine.connect().execution_options(postgresql_readonly=True) as connection:
            for name, value in SET_SO.items():
                connection.exec_driver_sql(
                    "SELECT set_config(%(name)s, %(value)s, true)", {"name": name, "value": value}
                )
            yield connection
    except DBAPIError as error:
        raise Unreadable(f"La base {place.database} ne se lit pas : {_said(error)}") from None
    finally:
        engine.dispose()


def _contents(connection: Connection) -> Contents:
    ask: Callable[[str], list[tuple[str, ...]]] = lambda sql: [tuple(row) for row in connection.exec_driver_sql(sql)]  # noqa: E731
    sequences = {name: int(value) for name, value in ask(SEQUENCES)}
    definitions = {name: digest_of(defined) for name, defined in ask(DEFINITIONS)}
    tables = {}
    for quoted, name in ask(TABLES):
        rows, digest = ask(TABLE.format(quoted))[0]
        tables[name] = TableContents(rows=int(rows), digest=digest)
    versions = ask(f"SELECT version_num FROM {VERSIONS} ORDER BY 1") if VERSIONS in tables else []  # noqa: S608
    revision = ",".join(version for (version,) in versions)
    return Contents(revision=revision, tables=tables, sequences=sequences, schema_digests=definitions)


def _major(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10000


def _create(place: URL) -> bool:
    """Create a database; False where it exists. Raises Refused where the role may not create one."""
    try:
        with _connected(place.set(database=SERVER)) as connection:
            named = "SELECT 1 FROM pg_database WHERE datname = %(name)s"
            if connection.exec_driver_sql(named, {"name": place.database}).first():
                return False
            quoted = _quoted(connection, place)
            connection.exec_driver_sql(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != NOT_ALLOWED:
            raise
        raise Refused(
            f"Le compte {place.username} ne peut pas créer la base {place.database} : créez-la vide, "
            "ou permettez-le par ALTER ROLE … CREATEDB."
        ) from None
    return True


def _drop(place: URL) -> None:
    with _connected(place.set(database=SERVER)) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {_quoted(connection, place)}")


def _quoted(connection: Connection, place: URL) -> str:
    return connection.dialect.identifier_preparer.quote(str(place.database))


def _said(error: DBAPIError) -> str:
    return " ".join(str(error.orig).split())
