"""What tests of backups share: where a backup comes from, PostgreSQL's own programs, a database beside another."""

import os
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from outreach.operations.backups import BackupOrigin
from tests.conftest import SERVER
from tests.servers.postgresql import program

ORIGIN = BackupOrigin("0f" * 16, {"OUTREACH_TOKEN_KEYS": ["0123456789abcdef"]})


@pytest.fixture(autouse=True)
def programs_of_the_server(monkeypatch):
    """The programs of the tests' own server, before those of the machine."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(program("pg_dump")).parent), os.environ["PATH"]]))


@contextmanager
def beside(url, folder, name="restored"):
    """The address of a database that does not exist, beside another; dropped afterwards."""
    if url.startswith("sqlite"):
        yield f"sqlite:///{folder / name}.sqlite3"
        return
    place = make_url(url)
    new = f"{place.database}_{name}"
    yield place.set(database=new).render_as_string(hide_password=False)
    with psycopg.connect(os.environ[SERVER].format("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {new} WITH (FORCE)")


def well(_url, _at):
    """What the program checks finds nothing."""
    return []
