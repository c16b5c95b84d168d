"""A child process that reads what others sent has no secrets, and limits."""

import json
import resource
import subprocess
import time

import pytest

from outreach.core import sandbox
from outreach.core.settings import ROOT

PROBE = "tests.child_probe"


def test_a_child_inherits_nothing_of_the_environment(monkeypatch):
    monkeypatch.setenv("OUTREACH_SECRET_KEY", "do-not-tell")
    monkeypatch.setenv("PGPASSWORD", "do-not-tell")
    ended = sandbox.run_module(PROBE, b"given", seconds=30)
    content = json.loads(ended.stdout)
    assert set(content["environment"]) <= {"LC_CTYPE"}, "Python's own, where no language is set (PEP 538)"
    assert content["given"] == "given"


def test_a_child_has_the_limits_it_asked_for():
    content = json.loads(sandbox.run_module(PROBE, b"", seconds=30).stdout)
    assert content["limits"] == [[1_500_000_000] * 2, [7, 7], [0, 0]]
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 1_500_000_000, "this process has none of them"


def test_a_child_that_takes_too_long_is_killed():
    before = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        sandbox.run_module(PROBE, b"sleep", seconds=1)
    assert time.monotonic() - before < 30


def test_every_process_that_we_start_is_one_of_these():
    """What starts a process otherwise hands it the secrets of the environment."""
    starting = {
        str(path.relative_to(ROOT / "outreach"))
        for path in (ROOT / "outreach").rglob("*.py")
        if any(
            word in path.read_text(encoding="utf-8")
            for word in ("subprocess.run(", "subprocess.Popen(", "subprocess.call(", "os.system(")
        )
    }
    # The supervisor and the job room start our own processes, which read the settings. PostgreSQL's programs get
    # the database's password and no other secret.
    assert starting == {
        "operations/backups/_postgresql.py",
        "core/sandbox/__init__.py",
        "cli/processes/supervisor.py",
        "operations/worker/job_room.py",
    }
