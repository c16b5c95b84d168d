"""A backup made while the service runs makes a new database that holds what the living one held, and no other."""

import json
import os
import subprocess
from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access.accounts import User
from outreach.core.settings import read
from outreach.core.text.errors import InputError, OutreachError, Refused
from outreach.operations.backups import _making as making
from outreach.operations.backups import _manifest as manifest
from outreach.operations.backups import _postgresql as postgresql
from outreach.operations.backups import _sqlite as sqlite
from tests.conftest import NOW
from tests.operations.backups import ORIGIN, beside, programs_of_the_server, well

pytestmark = pytest.mark.postgresql
assert programs_of_the_server


def rename(database, name):
    with database.writing() as session:
        session.scalars(select(User).order_by(User.id).limit(1)).one().name = name


def names(url):
    return making.of(url).contents_of(url).tables["users"]


def test_a_backup_makes_a_new_database_with_all_it_held(programmed, fresh_url, tmp_path):
    made = making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    rename(programmed, "Somebody Else")
    with beside(fresh_url, tmp_path) as new:
        restored = making.restore_backup(made.file, new, ORIGIN.keys, well)
        assert (list(restored.faults), dict(restored.lacking)) == ([], {})
        assert making.of(new).contents_of(new) == restored.manifest.contents
        assert names(new) != names(fresh_url)
    assert restored.manifest.contents.tables["users"].rows == 3
    assert {oct(path.stat().st_mode & 0o777) for path in made} == {"0o600"}
    assert sorted(path.name for path in tmp_path.glob("[.o]*")) == sorted(path.name for path in made)


def test_a_backup_and_its_manifest_are_of_one_moment(programmed, fresh_url, tmp_path, monkeypatch):
    """Somebody writes after the tables were counted and before they are copied."""
    module = sqlite if fresh_url.startswith("sqlite") else postgresql
    count = module._contents

    def count_then_write(connection):
        held = count(connection)
        rename(programmed, "In Between")
        return held

    with monkeypatch.context() as patched:
        patched.setattr(module, "_contents", count_then_write)
        made = making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    assert manifest.read(made.file).contents.tables["users"] != names(fresh_url)
    with beside(fresh_url, tmp_path) as new:
        assert list(making.restore_backup(made.file, new, ORIGIN.keys, well).faults) == []


def test_a_database_that_has_tables_is_refused_and_left_as_it_is(programmed, fresh_url, tmp_path):
    made = making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    rename(programmed, "After The Backup")
    before = names(fresh_url)
    with pytest.raises(Refused, match="base neuve"):
        making.restore_backup(made.file, fresh_url, ORIGIN.keys, well)
    assert names(fresh_url) == before


def test_a_backup_of_the_other_kind_is_refused(programmed, fresh_url, tmp_path):
    made = making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    other = f"sqlite:///{tmp_path}/new.sqlite3" if "postgresql" in fresh_url else "postgresql://a@/new"
    with pytest.raises(InputError, match="ne va pas dans une base"):
        making.restore_backup(made.file, other, ORIGIN.keys, well)
    assert not (tmp_path / "new.sqlite3").exists()


def test_a_restore_that_breaks_off_leaves_no_database(programmed, fresh_url, tmp_path, monkeypatch):
    made = making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    with beside(fresh_url, tmp_path) as new:
        monkeypatch.setattr(manifest, "check_file", lambda *_: None)
        if new.startswith("postgresql"):
            made.file.write_bytes(made.file.read_bytes()[:-2000])
            with pytest.raises(Refused, match="pg_restore s’est arrêté"):
                making.restore_backup(made.file, new, ORIGIN.keys, well)
        else:
            monkeypatch.setattr("shutil.copyfileobj", lambda *_: os.open("/nowhere", os.O_RDONLY))
            with pytest.raises(OSError, match="nowhere"):
                making.restore_backup(made.file, new, ORIGIN.keys, well)
        monkeypatch.undo()
        assert not exists(new)


def exists(url):
    try:
        return bool(making.of(url).contents_of(url))
    except OutreachError:
        return False


def test_without_the_programs_of_the_server_s_version_a_backup_is_refused(programmed, fresh_url, tmp_path, monkeypatch):
    if fresh_url.startswith("sqlite"):
        pytest.skip("SQLite needs none")
    (tmp_path / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    (tmp_path / "pg_dump").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "FOLDERS", ())
    with pytest.raises(Refused, match=r"pg_dump \(installé ici : 9\) : installez postgresql-client-\d+"):
        making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "outreach-"))] == []


def test_a_password_stands_in_no_command_line(monkeypatch, tmp_path):
    script = tmp_path / "pg_dump"
    script.write_text('#!/bin/sh\n[ "$PGPASSWORD" = "do not tell" ] && echo "$@" >&2\nexit 1\n')
    script.chmod(0o700)
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "neither this")
    place = postgresql._url("postgresql://o:do%20not%20tell@db.example:5433/base?sslmode=verify-full")
    with pytest.raises(Refused) as refused:
        postgresql.run([str(script), "--file=x"], place)
    assert "--file=x --dbname=postgresql://o@db.example:5433/base?sslmode=verify-full" in str(refused.value)


def test_one_backup_at_a_time_and_one_a_second(programmed, fresh_url, tmp_path):
    with making.held(tmp_path), pytest.raises(Refused, match="en cours"):
        making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    with pytest.raises(Refused, match="existe déjà"):
        making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW)
    with pytest.raises(Refused, match="créez-le"):
        making.make_backup(fresh_url, tmp_path / "nowhere", ORIGIN, now=NOW)


def test_old_backups_go_with_their_manifests(programmed, fresh_url, tmp_path):
    for days in (0, 14, 15):
        making.make_backup(fresh_url, tmp_path, ORIGIN, now=NOW - timedelta(days=days))
    own = {"outreach-notes.txt", "outreach-2019-before-the-move.sqlite3", "outreach-old.dump", "outreach-old.json"}
    for name in own:
        (tmp_path / name).touch()
    assert making.forget_backups(tmp_path, 14, now=NOW) == 1
    assert len(list(tmp_path.glob("outreach-20*Z.*"))) == 4
    assert own <= {path.name for path in tmp_path.iterdir()}, "what somebody put there is theirs"
    assert making.newest_backup(tmp_path).stem == "outreach-2021-05-15T090000Z"


def test_a_full_disk_is_said_and_nothing_is_left(programmed, fresh_url, tmp_path):
    """On a disk of its own: nobody is replaced."""
    (disk := tmp_path / "disk").mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    if subprocess.run(mounted, check=False, capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here")
    try:
        with pytest.raises(Refused, match=r"plus de place"):
            making.make_backup(fresh_url, disk, ORIGIN, now=NOW)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_manifest_holds_no_secret_and_names_each_key(programmed, fresh_url, tmp_path):
    secret = {
        "secret_key": "s" * 40 + "," + "f" * 40,
        "token_keys": "t" * 40 + "," + "u" * 40,
        "erasure_key": "e" * 40,
    }
    settings = read({"OUTREACH_DATA": str(tmp_path), **{f"OUTREACH_{k.upper()}": v for k, v in secret.items()}})
    here = manifest.fingerprints(settings, "aaaa bbbb")
    made = making.make_backup(fresh_url, tmp_path, making.BackupOrigin("", here), now=NOW)
    written = made.manifest.read_text()
    assert not any(key in written for value in secret.values() for key in value.split(","))
    assert json.loads(written)["keys"] == here
    assert {name: len(found) for name, found in here.items()} == {
        "OUTREACH_TOKEN_KEYS": 2,
        "OUTREACH_FACTOR_KEYS": 2,
        "OUTREACH_NOTE_KEY_FILE": 1,
        "OUTREACH_ERASURE_KEY": 1,
    }
    rotated = settings.model_copy(update={"token_keys": type(settings.token_keys)("v" * 40 + "," + "t" * 40)})
    assert list(manifest.lacking(here, manifest.fingerprints(rotated, "aaaa bbbb"))) == ["OUTREACH_TOKEN_KEYS"]
    assert manifest.lacking(
        manifest.fingerprints(rotated, ""), here | {"OUTREACH_TOKEN_KEYS": here["OUTREACH_TOKEN_KEYS"]}
    )


def test_an_empty_database_is_not_backed_up(fresh_url, tmp_path):
    with beside(fresh_url, tmp_path, "bare") as url:
        if url.startswith("postgresql"):
            postgresql.make_room(url)
        with pytest.raises(Refused):
            making.make_backup(url, tmp_path, ORIGIN, now=NOW)
        assert list(tmp_path.glob("[.o]*")) == []
