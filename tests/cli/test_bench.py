"""What `./run bench` and `./run chaos` start, and what they refuse."""

import json
import subprocess
import sys

import pytest

from benchmarks import __main__ as bench
from benchmarks import chaos
from outreach.core.settings import ROOT

SMALL = {
    "api": "--authorities 40",
    "curve": "--sizes 100 --databases sqlite",
    "effect": "--campaigns 2 --only null",
    "hits": "--seconds 1 --connections 2 --processes 1",
    "joinings": "--deliveries 20 --connections 2 --repeated 5 --processes 1",
    "scale": "--authorities 40 --only home recipients",
    "send": "--recipients 100",
    "sight": "--authorities 40",
    "years": "--years 1 --campaigns 1 --authorities 40 --requests 0 --only home verify",
}
WITHOUT_JSON = {"curve"}
FAULTS = (*chaos.FAULTS, chaos.WEB, chaos.RUNGS, chaos.PAGES, chaos.GRUDGING)


def test_every_measure_that_is_named_is_a_script():
    assert {name for name in bench.NAMES if not (ROOT / "benchmarks" / f"{name}.py").is_file()} == set()


@pytest.mark.long
@pytest.mark.parametrize("words", [("chaos",), ("bench", "send")])
def test_a_measure_is_started_with_its_own_options(words):
    text = subprocess.run([ROOT / "run", *words, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--database" in text


@pytest.mark.parametrize("words", [[], ["nothing"], ["../run"]])
def test_what_is_no_measure_is_refused_with_the_names(words):
    assert "send" in bench.refusal(words)


def test_a_measure_that_needs_a_server_says_how_to_install_it(monkeypatch):
    assert bench.refusal(["hits", "--database", "sqlite"]) == ""
    monkeypatch.setattr(bench, "POSTGRESQL", "a_package_that_nobody_has")
    for options in (("--database", "postgresql"), ("--database=postgresql",)):
        assert "./run test --version" in bench.refusal(["hits", *options])


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted({*bench.NAMES} - {"chaos"}))
def test_each_measure_runs_to_its_end_at_a_small_size(name, tmp_path):
    written = ["--results", tmp_path / "curve.json", "--drawing", tmp_path / "curve.svg"]
    options = [*SMALL[name].split(), *(written if name in WITHOUT_JSON else ["--json"])]
    ran = _ran(name, *options)
    assert ran.returncode in {0, 1}, ran.stderr  # 1 is a goal that a small size or a busy machine misses
    assert [line for line in ran.stderr.splitlines() if "Error" in line or "failed" in line] == []
    said = (tmp_path / "curve.json").read_text() if name in WITHOUT_JSON else ran.stdout.splitlines()[-1]
    assert json.loads(said)


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_tried_to_its_end_at_a_small_size(fault):
    ran = _ran("chaos", "--fault", fault, "--messages", "150", "--kills", "2", "--seed", "7", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _ran(name, *options):
    command = [sys.executable, "-m", "benchmarks", name, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
