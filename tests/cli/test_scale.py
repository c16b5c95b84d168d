"""How costs grow: the measures themselves, on bases of some authorities, and the goals that they hold figures to."""

import json
import shutil
import subprocess
import sys

import pytest

from benchmarks import scale, years
from benchmarks.growth import ground, keeping
from benchmarks.growth.goals import Line
from benchmarks.growth.ground import Ground
from benchmarks.growth.letters import DAYS, Pace
from benchmarks.growth.meter import Cost, cost_in_child
from benchmarks.growth.pages import Kind
from outreach.core.db import Base
from outreach.core.settings import ROOT
from tests.conftest import state_from

pytestmark = pytest.mark.only_one

PACE = Pace()
MEANT = {"administration, statements", "verify"}


@state_from("empty")
def small_directories(database, settings):
    ground.begin(database, settings, PACE)


@pytest.mark.deep
def test_each_operation_is_measured_at_each_size_and_keeps_the_ledgers_rules(
    small_directories, settings, templates, tmp_path
):
    small_directories.dispose()
    file = small_directories.engine.url.database
    operations = [one for one in scale.every_operation() if one.name in MEANT]
    before, measured = {}, []
    for size in (30, 60):
        folder = tmp_path / str(size)
        folder.mkdir(mode=0o700)
        url = f"sqlite:///{shutil.copy(file, folder)}"
        opened = templates.open(url)
        ground.fill(opened, settings, size, PACE)
        opened.dispose()
        before = {line.name: line for line in scale.measured_on(Ground(url, folder, size, None), operations, before)}
        measured += before.values()
    assert [(line.name, line.authorities, line.cost.fault) for line in measured] == [
        (one.name, size, "") for size in (30, 60) for one in operations
    ]
    assert all(line.cost.cpu_s > 0 and line.cost.peak_mb > 20 for line in measured)
    assert [line.growth is None for line in measured] == [True] * 2 + [False] * 2


def test_the_object_is_printed_when_a_goal_is_missed_and_the_fault_is_named(capsys):
    small = Line("home", Kind.PAGE, 1000, Cost(0.1, 120.0))
    lines = [small, Line("home", Kind.PAGE, 10_000, Cost(1.3, 250.0), small), Line("x", Kind.WORK, 9, Cost(None, None))]
    unmeasured = {"clock_s": None, "statements": None}
    assert scale.end("sqlite", lines, as_json=True) == 1
    told = capsys.readouterr()
    assert json.loads(told.out.splitlines()[-1]) == {
        "database": "sqlite",
        "operations": [
            {"name": "home", "authorities": 1000, "cpu_s": 0.1, "peak_mb": 120.0, "growth": None, **unmeasured},
            {"name": "home", "authorities": 10_000, "cpu_s": 1.3, "peak_mb": 250.0, "growth": 13.0, **unmeasured},
            {"name": "x", "authorities": 9, "cpu_s": None, "peak_mb": None, "growth": None, **unmeasured},
        ],
    }
    for words in ("1.30 s", "× 13.0 for × 10", "250 MB", "x, 9: it failed"):
        assert words in told.err
    assert scale.end("sqlite", [small], as_json=True) == 0


@pytest.mark.parametrize(
    ("kind", "authorities", "seconds", "is_missed"),
    [
        (Kind.AUDIENCE, 10_000, 0.31, True),
        (Kind.AUDIENCE, 100_000, 2.9, False),
        (Kind.LAUNCH, 10_000, 2.4, False),
        (Kind.LAUNCH, 100_000, 61.0, True),
        (Kind.WORK, 10_000, 99.0, False),
    ],
)
def test_a_goal_depends_on_the_size(kind, authorities, seconds, is_missed):
    assert bool(scale.goals.missed([Line("x", kind, authorities, Cost(seconds, 120.0))])) is is_missed


def test_a_long_writing_transaction_is_a_fault_of_large_directories():
    cost = Cost(9.0, 120.0, longest_s=1.5)
    large, small = (Line("launch", Kind.LAUNCH, 100_000, cost), Line("launch", Kind.WORK, 10_000, cost))
    assert scale.goals.missed([large])
    assert not scale.goals.missed([small])


@pytest.mark.deep
def test_the_peak_is_that_of_the_operation_alone():
    before = bytearray(60_000_000)
    del before

    def take(size):
        return cost_in_child(lambda: lambda: len(bytearray(b"x") * size), None, again=False)

    least, most = take(1), take(50_000_000)
    assert 40 < most.peak_mb - least.peak_mb < 60
    assert "ZeroDivisionError" in cost_in_child(lambda: lambda: 1 / 0, None, again=False).fault


@pytest.mark.deep
def test_on_postgresql_the_server_is_measured_too():
    options = ("--authorities", "30", "--database", "postgresql", "--only", "campaigns", "launch", "--json")
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "scale.py", *options], capture_output=True, text=True, check=False
    )
    content = json.loads(ran.stdout.splitlines()[-1])
    assert content["database"] == "postgresql"
    assert [(one["name"], one["authorities"]) for one in content["operations"]] == [
        ("campaigns", 30),
        ("launch", 30),
    ]
    assert all(one["cpu_s"] and one["peak_mb"] for one in content["operations"])


@pytest.mark.deep
def test_years_say_the_size_of_every_table_and_what_a_year_adds(small_directories):
    told = years.sizes(small_directories.engine.url.render_as_string(hide_password=False), 5)
    sizes = {each["table"]: each for each in told["tables"]}
    assert set(sizes) == set(Base.metadata.tables)
    assert sizes["messages"]["rows"] == PACE.campaigns * len(DAYS)
    assert 0 < told["mb_a_year"] < told["mb"] < 50
    assert [each["mb"] for each in told["tables"]] == sorted((each["mb"] for each in told["tables"]), reverse=True)


@pytest.mark.deep
def test_a_backup_of_years_is_measured_with_its_size(small_directories, tmp_path):
    small_directories.dispose()
    folder = tmp_path / "years"
    folder.mkdir(mode=0o700)
    there = Ground(f"sqlite:///{shutil.copy(small_directories.engine.url.database, folder)}", folder, 1, None)
    assert keeping.megabytes(there) == 0
    (line,) = years.costs(there, [keeping.BACKUP])
    assert (line.name, line.cost.fault) == ("backup", "")
    assert keeping.megabytes(there) > 0


@pytest.mark.deep
def test_what_keeping_costs_is_measured_where_letters_were_composed(small_directories, settings, tmp_path):
    ground.fill(small_directories, settings, 30, PACE)
    there = Ground(small_directories.engine.url.render_as_string(hide_password=False), tmp_path, 30, None)
    before = keeping.letters_with_words(there)
    lines = {line.name: line.cost.fault for line in years.costs(there, keeping.OPERATIONS)}
    assert lines == {"person export": "", "backup": "", "person erase": "", "purge": ""}
    assert before - keeping.letters_with_words(there) > PACE.campaigns


def test_a_goal_of_years_that_is_missed_is_named():
    lines = [Line(name, Kind.PAGE, 985, Cost(spent, 120.0)) for name, spent in (("home", 0.3), ("verify", 9.0))]
    assert not [*years.missed(lines, 200.0)]
    slow = [Line(name, Kind.PAGE, 985, Cost(spent, 120.0)) for name, spent in (("home", 0.5), ("verify", 11.0))]
    told = [*years.missed([*slow, Line("x", Kind.PAGE, 9, Cost(None, None, "it broke"))], 201.0)]
    assert [sentence.partition(":")[0] for sentence in told] == ["home", "verify", "x", "a web process"]
