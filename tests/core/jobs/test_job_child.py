"""The child of a job ends with a code of its own: done, the database is away, or broken; Python never aborts it."""

import os
import subprocess
import sys

import pytest

from outreach.operations.worker.job_room import AWAY

DONE, BROKEN = 0, 1
PROGRAM = """
import sqlite3, sys
from sqlalchemy import text
from outreach.cli.running import job_child
from outreach.core.db import Database, sqlite
from outreach.core.text.errors import Refused

def do(settings, database, work):
{what}

job_child.do, sys.argv[1:] = do, ["1", "lease"]
job_child.main()
"""
NOWHERE = "work.database = Database('postgresql+psycopg://nobody@127.0.0.1:1/none')"
ENDED_BY_SERVER = "s.execute(text('SELECT pg_terminate_backend(pg_backend_pid())'))"
TOOK_TOO_LONG = "s.execute(text('SET LOCAL statement_timeout = 50')), s.execute(text('SELECT pg_sleep(9)'))"
HELD = "held = sqlite3.connect(database.engine.url.database, isolation_level=None)"


@pytest.fixture
def ended(fresh_url, tmp_path):
    """Runs a child that does this, with a pipe that its process holds as a job room does; how it ended, and its log."""

    def run(*lines):
        program = PROGRAM.format(what="\n".join(f"    {line}" for line in lines))
        environment = {**os.environ, "OUTREACH_DATA": str(tmp_path), "OUTREACH_DATABASE_URL": fresh_url}
        options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "process_group": 0, "env": environment}
        with subprocess.Popen([sys.executable, "-c", program], **options) as child:
            said = child.stderr.read().decode()
            return child.wait(60), said

    return run


@pytest.mark.long
def test_a_child_that_is_done_ends_without_an_abort(ended):
    assert ended("pass") == (DONE, "")


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.only_one
@pytest.mark.parametrize(
    "lines",
    [
        ("with database.reading() as s:", f"    {ENDED_BY_SERVER}"),
        (NOWHERE, "work.progress(1)", "raise Refused('non')"),
        (NOWHERE, "raise MemoryError"),
    ],
    ids=["while it works", "as it says why not", "as it says that memory lacks"],
)
def test_a_database_that_goes_away_is_told_apart_from_a_child_that_breaks(ended, lines):
    assert ended(*lines)[0] == AWAY


@pytest.mark.long
@pytest.mark.postgresql
@pytest.mark.only_one
def test_a_statement_that_the_server_ends_breaks_the_child_since_it_would_for_ever(ended):
    assert ended("with database.reading() as s:", f"    {TOOK_TOO_LONG}")[0] == BROKEN


@pytest.mark.long
@pytest.mark.only_one
def test_a_file_that_another_one_writes_for_long_is_no_fault_of_the_job(ended):
    writes = "with database.writing() as s: s.execute(text('DELETE FROM jobs'))"
    assert ended("sqlite.PATIENCE_SECONDS = 0.1", HELD, "held.execute('BEGIN IMMEDIATE')", writes)[0] == AWAY


def test_a_fault_of_ours_breaks_the_child(ended):
    assert ended("1 / 0")[0] == BROKEN
