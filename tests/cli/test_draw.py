"""`campaign draw`: what a stranger gets, whose own program repeats the draw, and the check of the stored one."""

import json
import os
import subprocess
import sys
from functools import partial

import pytest
from sqlalchemy import text

from outreach.core.settings import ROOT
from tests.campaigns.draws.conftest import GAP, approve, drawable, submit
from tests.commands import invoke

__all__ = ["drawable"]
KEYS = [
    "programme",
    "strand",
    "attempt",
    "commitment",
    "nonce",
    "approver_bytes",
    "content_digest",
    "seed",
    "strata",
    "outside",
]


@pytest.fixture
def run(drawable):
    """Run `campaign draw 1` with more words."""

    return partial(invoke, drawable, {}, "campaign", "draw", "1")


def test_a_campaign_without_a_draw_says_what_to_do(run):
    assert "choisissez trois départs" in str(run().exception)
    assert run("--json").exit_code == 1


def test_a_stranger_repeats_the_draw_with_a_program_of_its_own(run, drawable, tmp_path):
    submit(drawable)
    content = json.loads(run("--json").stdout)
    assert list(content)[: len(KEYS)] == KEYS
    assert [content[name] for name in ("nonce", "content_digest", "seed")] == [None] * 3
    assert run("--check").exit_code == 1
    approve(drawable)
    printed = run("--json")
    content = json.loads(printed.stdout)
    assert content["approver_bytes"] == ""
    file = tmp_path / "draw.json"
    file.write_text(printed.stdout, encoding="utf-8")
    program = tmp_path / "redraw.py"
    program.write_bytes((ROOT / "docs" / "redraw.py").read_bytes())
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT"}}
    command = [sys.executable, "-I", "-S", str(program), str(file)]
    again = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=tmp_path, text=True)
    repeated = json.loads(again.stdout)
    assert repeated["seed"] == content["seed"]
    assert repeated["content_digest"] == content["content_digest"]
    assert sorted(repeated["strata"], key=str) == sorted(content["strata"], key=str)
    assert content["content"]["window_days"] == GAP
    assert run("--check").exit_code == 0
    assert "aucun annulé" in run().output


def test_a_draw_that_was_changed_in_the_database_fails_the_check(run, drawable):
    submit(drawable)
    approve(drawable)
    with drawable.engine.begin() as connection:
        for name in ("drawn_authorities_update", "drawn_authorities_guard"):
            if drawable.engine.name == "sqlite":
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            else:
                connection.execute(text(f"DROP TRIGGER IF EXISTS {name} ON drawn_authorities"))
        connection.execute(text("UPDATE drawn_authorities SET place = 1 - place WHERE place < 2"))
    result = run("--check")
    assert (result.exit_code, "n’est pas celui que donne le tirage" in str(result.exception)) == (1, True)
