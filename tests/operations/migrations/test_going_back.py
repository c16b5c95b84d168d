"""The way back after an upgrade: a backup from before it, in a new database, serves the former version again."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from outreach.core.settings import ROOT
from tests.conftest import SERVER
from tests.servers.postgresql import program

FORMER = "80d4deb555427705be8d193fcfe6ea016bd04d19"  # 0.3.0
BY_HAND = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner"]
SITUATION = ("report", "situation", "--as-of", "2021-05-15", "--json")


@pytest.fixture(scope="session")
def former(tmp_path_factory):
    """The folder of the former version, with what its own lock names."""
    packed = subprocess.run(["git", "archive", FORMER], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("this checkout has no history")
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    subprocess.run([folder / "run", "--version"], check=True, capture_output=True)
    return folder


class Installation:
    """One data folder and one database, which either version runs on."""

    def __init__(self, former, data, url):
        self.former, self.url = former, url
        path = os.pathsep.join([str(Path(program("pg_dump")).parent), os.environ["PATH"]])
        self.environment = {"PATH": path, "OUTREACH_DATA": str(data), "OUTREACH_DATABASE_URL": url}

    def before(self, *arguments):
        return self._run([str(self.former / "run"), *arguments], self.former)

    def now(self, *arguments):
        return self._run([sys.executable, "-m", "outreach", *arguments], ROOT)

    def _run(self, command, folder):
        return subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False)


def sql(statement):
    import psycopg

    with psycopg.connect(os.environ[SERVER].format("postgres"), autocommit=True) as server:
        server.execute(statement)


@pytest.mark.deep
@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_a_backup_from_before_an_upgrade_serves_the_former_version_again(former, backend, tmp_path):
    if backend == "postgresql":
        for name in ("upgraded", "taken_back"):
            sql(f"DROP DATABASE IF EXISTS {name}")
        sql("CREATE DATABASE upgraded TEMPLATE template0")
        urls = [os.environ[SERVER].format(name) for name in ("upgraded", "taken_back")]
    else:
        urls = [f"sqlite:///{tmp_path / name}.sqlite3" for name in ("upgraded", "taken_back")]
    here = Installation(former, tmp_path / "data", urls[0])
    for command in (("migrate",), ("sample", "--today", "2021-05-15")):
        assert (done := here.before(*command)).returncode == 0, done.stderr
    content = json.loads(here.before(*SITUATION).stdout)
    (tmp_path / "backups").mkdir()
    backed_up = here.now("backup", str(tmp_path / "backups"), "--json")
    assert backed_up.returncode == 0, "a database of the former version is backed up as it is"
    file = json.loads(backed_up.stdout)["file"]

    migrated = here.now("migrate")
    assert "est passée de la version 0092 à la version" in migrated.stdout.replace("\xa0", " "), migrated
    after = json.loads(here.now(*SITUATION).stdout)
    assert after["total"]["strands"]["1"]["joined"] == content["total"]["strands"]["1"]["joined"] == 48
    assert here.now("verify").returncode == 0
    assert here.before("verify").returncode != 0, "the former version does not run on what was migrated"
    refused = here.now("restore", file, "--database-url", urls[0])
    assert refused.returncode == 1, "never into the database that was upgraded"
    assert here.now("verify").returncode == 0, "and nothing of it was changed"

    done = here.now("restore", file, "--database-url", urls[1], "--json")
    assert (done.returncode, json.loads(done.stdout)["revision"]) == (0, "0092"), done
    back = Installation(former, tmp_path / "data", urls[1])
    assert json.loads(back.before(*SITUATION).stdout) == content
    assert (done := back.before("verify")).returncode == 0, done.stderr


def test_the_documents_say_how_a_backup_without_a_manifest_is_restored():
    written = (ROOT / "docs" / "trouble.md").read_text(encoding="utf-8")
    assert " ".join(BY_HAND) in written
    assert "pg_restore --clean" not in written
