"""A hundred corruptions of one backup, on each database: every one is found.

Each is made alone, in a copy: of the files; of the restored database, where the backup itself was wrong though its
digest is right; and of the living database before its backup, where manifest and database agree.
"""

import shutil
import sqlite3
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import islice

import psycopg
import pytest
from sqlalchemy import Boolean, Date, DateTime, Enum, Integer, String
from sqlalchemy.engine import make_url

from outreach.cli.running.backups import prove
from outreach.core import audit
from outreach.core.db import Base
from outreach.core.text.errors import Refused
from outreach.operations.backups import BackupOrigin
from outreach.operations.backups import _making as making
from outreach.operations.backups import _manifest as manifest
from tests.campaigns.conftest import approved, launch, settle
from tests.conftest import NOW, state_from
from tests.operations.backups import beside, programs_of_the_server, well
from tests.reports.notes.contents import content
from tests.reports.notes.published import published
from tests.reports.notes.quick import KEY

assert programs_of_the_server
HERE = {name: ["first", "second"] for name in manifest.COSTS}
ROWS_TABLES = 16


@state_from("programmed")
def worked_with(database, _settings):
    """A campaign that is launched, a published note, and the audit under its seal."""
    settle(database, 3)
    launch(database, approved(database))
    published(database, content(), KEY)
    with database.writing() as session:
        batch = audit.next_batch(session, now=NOW)
        assert audit.add_seal(session, batch)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=[pytest.mark.long, pytest.mark.deep])])
def test_every_one_of_a_hundred_corruptions_is_found(worked_with, fresh_url, tmp_path):
    worked_with.dispose()  # a database that somebody uses is not copied
    cases = list(all_cases(fresh_url, tmp_path))
    assert len(cases) == 100
    assert len({name for name, _ in cases}) == 100
    assert missed(cases) == []


@pytest.mark.long
@pytest.mark.parametrize("backend", ["postgresql"])
def test_corruptions_of_each_kind_are_found(worked_with, fresh_url, tmp_path):
    """Some of the hundred, so that each run asks PostgreSQL."""
    worked_with.dispose()
    assert missed(islice(all_cases(fresh_url, tmp_path), 0, None, 13)) == []


def missed(cases):
    """The names of the corruptions of which nothing is said."""
    return [name for name, told in cases if not told()]


def all_cases(url, tmp_path):
    """A hundred corruptions, each with a call that makes it and returns what is told of it."""
    (tmp_path / "backups").mkdir()
    other = making.make_backup(url, tmp_path / "backups", BackupOrigin("", HERE), now=NOW - timedelta(seconds=1))
    change(url, "UPDATE users SET name = 'Since Then' WHERE id = 1")
    made = making.make_backup(url, tmp_path / "backups", BackupOrigin("", HERE), now=NOW)
    read = manifest.read(made.file)
    with copied(url) as same:
        assert making.check(same, read, prove) == [], "nothing is said of the database as it was"
    with beside(url, tmp_path) as new:
        yield from of_files(made, other, new, tmp_path)
    yield from of_keys(read)
    yield from of_the_living_database(url, read)
    yield from of_definitions(url, read)
    yield from of_rows(url, read)


def of_files(made, other, new, tmp_path):
    def case(name, change):
        def told():
            folder = tmp_path / "changed"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(made.file.parent, folder)
            change(folder / made.file.name, folder / made.manifest.name)
            try:
                making.restore_backup(folder / made.file.name, new, HERE, well)
            except (Refused, FileNotFoundError) as refused:
                return str(refused)
            return ""

        return name, told

    size = made.file.stat().st_size
    for tenth in range(10):
        place = size * tenth // 10
        yield case(f"truncated at {place}", lambda file, _, place=place: cut(file, place))
        yield case(f"flipped at {place}", lambda file, _, place=place: flip(file, place))
    yield case("a byte too many", lambda file, _: file.write_bytes(file.read_bytes() + b"x"))
    yield case("no file", lambda file, _: file.unlink())
    yield case("another backup's file", lambda file, _: shutil.copy(other.file, file))
    yield case("another backup's manifest", lambda _, told: shutil.copy(other.manifest, told))
    yield case("no manifest", lambda _, told: told.unlink())
    yield case("a manifest cut off", lambda _, told: cut(told, told.stat().st_size // 2))
    yield case("an empty manifest", lambda _, told: cut(told, 0))
    for before, after in {
        '"rows": 3': '"rows": 4',
        '"digest": "': '"digest": "0',
        '"first"': '"third"',
        '"made_at": "2021': '"made_at": "2020',
    }.items():
        yield case(f"{before} in the manifest", lambda _, told, b=before, a=after: replace(told, b, a))


def cut(file, size):
    with file.open("r+b") as opened:
        opened.truncate(size)


def flip(file, place):
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ 0x10]))


def replace(file, before, after):
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def of_keys(read):
    for name in manifest.COSTS:
        here = {**HERE, name: ["second"]}
        yield f"{name} has another key", lambda here=here: manifest.lacking(read.keys, here)


AT = "'2021-05-15 09:00:00.000000'"
SENT = f"reply_code = 250, fence_id = 'f', worker_id = 'gone', fenced_at = {AT} WHERE id = 1"
LIVING = {
    "a letter without its content": f"UPDATE messages SET state = 'accepted', settled_at = {AT}, {SENT}",  # noqa: S608
    "a letter held by nobody": f"UPDATE messages SET state = 'handing', {SENT}",  # noqa: S608
    "a decision gone": "DELETE FROM decisions WHERE kind = 'approved' AND subject LIKE 'campaign%'",
    "an entry of the audit rewritten": "UPDATE audit_entries SET sentence = 'Rien.' WHERE id = 2",
    "an entry of the audit gone": "DELETE FROM audit_entries WHERE id = 2",
    "a seal made anew": "UPDATE audit_seals SET digest = previous",
    "an entry without its seal": "DELETE FROM sealed_entries WHERE entry_id = 2",
    "a note's figures changed": "UPDATE notes SET figures = replace(figures, '1', '2')",
    "a note's signature changed": "UPDATE note_approvals SET signature = public_key",
    "a note approved as another": "UPDATE note_approvals SET approved_as = 'direction'",
    "a note's file changed": "UPDATE note_files SET sha256 = '0'",
}


def of_the_living_database(url, read):
    for name, statement in LIVING.items():

        def told(statement=statement):
            with copied(url) as copy:
                change(copy, statement)
                then = read.model_copy(update={"contents": making.of(copy).contents_of(copy)})
                return making.check(copy, then, prove)

        yield name, told


def of_definitions(url, read):
    is_sqlite = url.startswith("sqlite")
    named = {
        kind: [name.partition(" ")[2] for name in read.contents.schema_digests if name.startswith(f"{kind} ")]
        for kind in ("index", "trigger")
    }
    for name in [name for name in named["index"] if name.startswith("ix_")][:6]:
        yield of_restored(url, read, f"DROP INDEX {name}")
    for name in named["trigger"][:4]:
        table, _, trigger = name.rpartition(".")
        yield of_restored(url, read, f"DROP TRIGGER {name}" if is_sqlite else f"DROP TRIGGER {trigger} ON {table}")
    for name in ("drafts", "domain_checks", "alert_episodes"):
        yield of_restored(url, read, f"DROP TABLE {name}")
    yield of_restored(url, read, "CREATE TABLE one_too_many (id integer)")
    yield of_restored(url, read, "INSERT INTO alembic_version VALUES ('0001')")
    yield of_restored(url, read, "UPDATE alembic_version SET version_num = '0001'")
    for table, column in (("users", "name"), ("contacts", "address"), ("messages", "reply_text")):
        yield of_restored(url, read, f"ALTER TABLE {table} RENAME COLUMN {column} TO something")
    yield of_restored(url, read, "ALTER TABLE users ADD COLUMN something integer")
    if is_sqlite:
        for place in (0, 1):
            yield f"index page {place}", lambda place=place: of_pages(url, read, place)
        return
    yield of_restored(url, read, "ALTER TABLE messages DROP CONSTRAINT ck_messages_message_state")
    yield of_restored(url, read, "SELECT setval('messages_id_seq', 1)")


def of_pages(url, read, place):
    """What is told once the page where an index begins holds nothing that SQLite knows."""
    with copied(url) as copy:
        file = make_url(copy).database
        with closing(sqlite3.connect(file)) as opened:
            (size,) = opened.execute("PRAGMA page_size").fetchone()
            query = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'users' ORDER BY name"
            pages = [page for (page,) in opened.execute(query)]
        with open(file, "r+b") as opened:  # noqa: PTH123
            opened.seek((pages[place] - 1) * size + 3)
            opened.write(b"\0\0")
        return making.check(copy, read, prove)


def of_rows(url, read):
    """Of tables that have rows, the first ones: a value changed in one row, and a row gone."""
    first = "rowid = (SELECT min(rowid) FROM {0})" if url.startswith("sqlite") else "ctid = (SELECT min(ctid) FROM {0})"
    filled = [name for name, table in read.contents.tables.items() if table.rows and name in Base.metadata.tables]
    changes = [(name, altered) for name in filled if (altered := alteration(Base.metadata.tables[name]))]
    for name, altered in changes[:ROWS_TABLES]:
        yield of_restored(url, read, f"UPDATE {name} SET {altered} WHERE {first.format(name)}")  # noqa: S608
        yield of_restored(url, read, f"DELETE FROM {name} WHERE {first.format(name)}")  # noqa: S608


def alteration(table):
    """What changes a value of a row of a table, and nothing that a constraint would refuse; None for none."""
    for column in table.columns:
        if column.primary_key or column.foreign_keys or isinstance(column.type, Enum):
            continue
        if isinstance(column.type, String):
            return f"{column.name} = 'z'"
        if isinstance(column.type, Boolean):
            return f"{column.name} = NOT {column.name}"
        if isinstance(column.type, Integer):
            return f"{column.name} = coalesce({column.name}, 0) + 1000"
        if isinstance(column.type, Date | DateTime) or hasattr(column.type, "impl"):
            return f"{column.name} = '2020-01-01'"
    return None


def of_restored(url, read, statement):
    def told():
        with copied(url) as copy:
            change(copy, statement)
            return making.check(copy, read, prove)

    return statement, told


@contextmanager
def copied(url):
    """The address of a copy of a database, which is dropped."""
    place = make_url(url)
    if url.startswith("sqlite"):
        name = f"{place.database}.copy"
        shutil.copy(place.database, name)
        yield f"sqlite:///{name}"
        making.of(url).drop(f"sqlite:///{name}")
        return
    name = f"{place.database}_copy"
    with psycopg.connect(
        place.set(database="postgres").render_as_string(hide_password=False), autocommit=True
    ) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {place.database} STRATEGY = FILE_COPY")
        yield place.set(database=name).render_as_string(hide_password=False)
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def change(url, statement):
    """Carry out a statement that nothing refuses: no trigger, no foreign key. All of them are there afterwards."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database, isolation_level=None)) as opened:
            opened.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)
            assert opened.execute(statement).rowcount
        return
    with psycopg.connect(url, autocommit=True) as opened:
        words = statement.split()
        table = {"UPDATE": words[1], "DELETE": words[2]}.get(words[0])
        always = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'A'"
        guards = [name for (name,) in opened.execute(always, [table])] if table else []
        opened.execute("SET session_replication_role = replica")
        for name in guards:
            opened.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        assert opened.execute(statement).rowcount
        for name in guards:
            opened.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
