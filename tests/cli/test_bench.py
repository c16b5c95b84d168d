"""What `./run bench` and `./run chaos` start, and what they refuse."""

import subprocess

import pytest

from benchmarks import __main__ as bench
from outreach.settings import ROOT


def test_every_measure_that_is_named_is_a_script():
    assert {name for name in bench.NAMES if not (ROOT / "benchmarks" / f"{name}.py").is_file()} == set()


@pytest.mark.parametrize("words", [("chaos",), pytest.param(("bench", "send"), marks=pytest.mark.long)])
def test_a_measure_is_started_with_its_own_options(words):
    told = subprocess.run([ROOT / "run", *words, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--database" in told


@pytest.mark.parametrize("words", [[], ["nothing"], ["../run"]])
def test_what_is_no_measure_is_refused_with_the_names(words):
    assert "send" in bench.refusal(words)


def test_a_measure_that_needs_a_server_says_how_to_install_it(monkeypatch):
    assert bench.refusal(["hits", "--database", "sqlite"]) == ""
    monkeypatch.setattr(bench, "POSTGRESQL", "a_package_that_nobody_has")
    for options in (("--database", "postgresql"), ("--database=postgresql",)):
        assert "./run test --version" in bench.refusal(["hits", *options])
