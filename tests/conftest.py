"""Options, markers and fixtures of all tests: fresh databases of both kinds, settings, the sample data.

Databases are copies of a template that is migrated once per run. So tests really commit, and see only their own rows.
"""

import fcntl
import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from outreach.access.accounts import passwords
from outreach.access.scopes._engine import ScopedDatabase
from outreach.adherence import programmes
from outreach.cli.preparation import add_people, prepare
from outreach.cli.running.work import SELDOM
from outreach.cli.samples import load_sample
from outreach.core.db import Database, Session
from outreach.core.settings import Settings, read
from outreach.operations.demo import sample
from tests import costs, factories, small
from tests.kept import Kept
from tests.memory import in_memory
from tests.servers.postgresql import Server

# On a busy machine a deadline would fail correct properties. The runner's time-out still applies.
hypothesis.settings.register_profile("short", deadline=None, max_examples=20)
hypothesis.settings.register_profile("land", deadline=None, max_examples=20)
hypothesis.settings.register_profile("all", deadline=None, max_examples=50)
Some = TypeVar("Some", bound=Database)
STORY_DAY = date(2021, 5, 15)
PLACE = "serveur.example:/var/lib/outreach"  # of an installation
NOW = datetime(2021, 5, 15, 9, 0, tzinfo=UTC)
SERVER = "OUTREACH_TEST_POSTGRESQL"
STATES: dict[str, tuple[str, Callable[[Database, Settings], None]]] = {}  # by name: the state before, what brings to it
STATEMENTS = 4_000  # compiled, of one process: pages and domain have more than the 500 that an engine keeps by itself
FULL = "full_"  # before the name of a state: of the whole sample
TAKE_LONG = ("chaos", "timeout")  # what waits for others, and what says that it takes longer than others may


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="the long and deep tests as well, every test on both databases")
    parser.addoption(
        "--to-land", action="store_true", help="with --all: no deep tests, and two databases only where it matters"
    )


def pytest_configure(config: pytest.Config) -> None:
    profile = ("all" if _is_deep(config) else "land") if config.getoption("--all") else "short"
    hypothesis.settings.load_profile(profile)
    gc.set_threshold(SELDOM)
    config.pluginmanager.register(costs.Costs(config))
    # Hashes that cost nothing: with the real ones a sign-in takes 0.2 s of processor time.
    passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    if not hasattr(config, "workerinput") and SERVER not in os.environ:
        config.stash[_server] = server = Server()
        os.environ[SERVER] = server.url("{}")
    if memory := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out long tests, unless `--all` or a test's name (`::`) is given; with `--to-land` deep ones only."""
    for item in items:
        if not {"relay", "sink", "real"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("relay")
        if item.get_closest_marker("one_example") and hasattr(item, "callspec") and any(item.callspec.indices.values()):
            item.add_marker("long")
    if _is_named(config) or _is_deep(config):
        left_out: tuple[str, ...] = ()
    else:
        left_out = ("deep",) if config.getoption("--all") else ("deep", "long")
    config.hook.pytest_deselected(items=[item for item in items if any(map(item.get_closest_marker, left_out))])
    items[:] = [item for item in items if not any(map(item.get_closest_marker, left_out))]
    if (workers := getattr(config, "workerinput", {}).get("workercount")) and not _is_named(config):
        items[:] = spread(items, workers, lambda item: any(map(item.get_closest_marker, TAKE_LONG)))


def _is_deep(config: pytest.Config) -> bool:
    return config.getoption("--all") and not config.getoption("--to-land")


def _is_named(config: pytest.Config) -> bool:
    """Whether tests are called by their names, which are then run in all their examples."""
    return any("::" in argument for argument in config.args)


def spread(tests, workers, takes_long):
    """Tests that take long come early, so that no run ends with one of them alone, and at different times.

    xdist hands each worker an equal share of the list, in its order, and takes from the end of one for whoever is idle.
    """
    late, others = [one for one in tests if takes_long(one)], [one for one in tests if not takes_long(one)]
    found = []
    for place in range(workers):
        share = others[place * len(others) // workers : (place + 1) * len(others) // workers]
        theirs = late[place::workers]
        step = len(share) * 2 / 3 / (len(theirs) or 1)
        for number, one in enumerate(theirs):
            share.insert(int((number + place / workers) * step) + number, one)
        found += share
    return found


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collected tests live until the end, so the garbage collector need not traverse them, nor look at them before."""
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors, because tests that wait for a relay, a page or a clock use no processor.

    Each costs 25 seconds of processor to collect and warm up.
    """
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server before the run says what it cost."""
    pytest_unconfigure(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(_server, None):
        server.stop()


_server = pytest.StashKey[Server]()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """Domain tests and journeys can run on both databases; page tests override this with SQLite."""
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the examples of a test on both databases, or on the one that the run asks for.

    Making an example that is then left out costs a third of collecting it.
    """
    found = metafunc._arg2fixturedefs.get("backend", ())
    if found and found[-1].func.__module__ == __name__:
        metafunc.parametrize("backend", _databases_of(metafunc), indirect=True)


def _databases_of(metafunc: pytest.Metafunc) -> Sequence[str]:
    """SQLite, or PostgreSQL where a test is about the database: then both, once something lands.

    All tests run on both where everything is asked for, and whoever is called by name.
    """
    config, marks = metafunc.config, {mark.name for mark in metafunc.definition.iter_markers()}
    is_about = "postgresql" in marks
    both = ("postgresql", "sqlite") if is_about else ("sqlite", "postgresql")
    asks_both = _is_deep(config) or _is_named(config) or (is_about and config.getoption("--all"))
    return both if asks_both and "only_one" not in marks else both[:1]


@pytest.fixture
def settings(tmp_path: Path, backend: str, fresh_url: str) -> Settings:
    return read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_DATABASE_URL": fresh_url})


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def database(fresh_url: str, templates: "Templates") -> Iterator[Database]:
    """A migrated database with its networks, federations and roles, and nothing else."""
    opened = templates.open(fresh_url)
    yield opened
    opened.dispose()


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, templates: "Templates", backend: str, tmp_path: Path) -> Iterator[str]:
    yield from templates.copy(backend, _state_of("empty", request), tmp_path)


@pytest.fixture
def sample_url(request: pytest.FixtureRequest, templates: "Templates", backend: str, tmp_path: Path) -> Iterator[str]:
    yield from templates.copy(backend, _state_of("sample", request), tmp_path)


@pytest.fixture
def sample_database(sample_url: str, templates: "Templates") -> Iterator[Database]:
    """The sample of 15 May 2021 with the demonstration's people: the small one, unless the test is marked `full`."""
    opened = templates.open(sample_url)
    yield opened
    opened.dispose()


@pytest.fixture
def session(sample_database: Database) -> Iterator[Session]:
    """A transaction that writes to the sample."""
    with sample_database.writing() as opened:
        yield opened


def state_from(base: str) -> Callable[[Callable[[Database, Settings], None]], Callable[..., Database]]:
    """Make a fixture of a function that brings an empty database, or the sample, to a state.

    A test that uses the fixture gets a copy of that state, which is made once a run, before anything else is done.
    """

    def registered(make: Callable[[Database, Settings], None]) -> Callable[..., Database]:
        assert STATES.setdefault(make.__name__, (base, make))[1] is make, "two states of one name"

        def from_empty(database: Database) -> Database:
            return database

        def from_sample(sample_database: Database) -> Database:
            return sample_database

        return pytest.fixture(name=make.__name__)(from_sample if _line(base)[-1] == "sample" else from_empty)

    return registered


def _line(state: str) -> list[str]:
    """A state and those it is made from, back to the empty database or the sample."""
    return [state] if state in {"empty", "sample"} else [state, *_line(STATES[state][0])]


@state_from("empty")
def staffed(database: Database, _settings: Settings) -> None:
    """An administrator, an author and an approver."""
    with database.writing() as session:
        factories.add_people(session, NOW)


@state_from("staffed")
def programmed(database: Database, _settings: Settings) -> None:
    """The same people, and a programme of one strand."""
    with database.writing() as session:
        programmes.load_programme(session, factories.PROGRAMME, now=NOW, actor=factories.AUTHOR)


def _state_of(base: str, request: pytest.FixtureRequest) -> str:
    """The state that a test's fixtures name, or the base itself. An argument of its examples may have such a name."""
    given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    named = (name for name in request.fixturenames if name in STATES and name not in given)
    lines = [line for name in named if (line := _line(name))[-1] == base]
    longest = max(lines, key=len, default=[base])
    assert all(line == longest[-len(line) :] for line in lines), "a database is in one state"
    is_full = base == "sample" and request.node.get_closest_marker("full")
    return f"{FULL}{longest[0]}" if is_full else longest[0]


def _made_of(kind: str) -> tuple[str, Callable[[Database, Settings], None]]:
    """The state that a state is made from, and what makes it: `full_` before a name has it of the whole sample."""
    if kind == f"{FULL}sample":
        return "empty", _fill
    base, make = STATES[kind.removeprefix(FULL)]
    return (f"{FULL}{base}" if kind.startswith(FULL) else base), make


@pytest.fixture(scope="session")
def templates(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator["Templates"]:
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "templates"  # one for all workers
    folder.mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(folder))}  # one worker compiles a page for all
    is_judge = pytestconfig.getoption("--all") or not hasattr(pytestconfig, "cache")  # who trusts nothing of before
    made = Templates(folder, worker_id, None if is_judge else Kept(pytestconfig.cache.mkdir("templates")))
    yield made
    made.close()


class Templates:
    """Template databases: the first process that needs one creates it, and all processes copy it for each test."""

    def __init__(self, folder: Path, worker: str, kept: Kept | None = None) -> None:
        self.folder, self.worker, self.kept, self.copies = folder, worker, kept, 0
        self.sessions: dict[object, object] = {}  # what a browser that signed in goes on with in every copy
        self.first: dict[str, Engine] = {}  # the first engine of each kind that this process has opened

    @cached_property
    def data(self) -> Path:
        """A data folder of this process alone, with the secrets that the sample was made with."""
        self._ensure("sqlite", "sample")
        return shutil.copytree(self.folder / "data", self.folder / f"data-{self.worker}")

    def copy(self, backend: str, kind: str, into: Path) -> Iterator[str]:
        name = self._ensure(backend, kind)
        self.copies += 1
        if backend == "sqlite":
            path = into / f"{kind}.sqlite3"
            shutil.copy(self.folder / f"{name}.sqlite3", path)
            yield f"sqlite:///{path}"
            return
        fresh = f"t{self.copies}_{self.worker}"
        self._server.execute(f"CREATE DATABASE {fresh} TEMPLATE {name} STRATEGY = FILE_COPY")
        yield os.environ[SERVER].format(fresh)
        self._server.execute(f"DROP DATABASE {fresh} WITH (FORCE)")

    def open(self, url: str) -> Database:
        """Open a copy. Copies share compiled statements: compiling them for each test takes longer than running them.

        Statements are compiled for a dialect, which depends only on the kind and version of a database.
        """
        return self._share(Database(url))

    def scoped(self, database: Database) -> ScopedDatabase:
        """The same of the scoped sessions of a database that was opened."""
        opened = ScopedDatabase(database)
        database.before_dispose(opened.dispose)
        return self._share(opened)

    def _share(self, opened: Some) -> Some:
        kind = f"{type(opened).__name__} {opened.engine.name}"
        if kind not in self.first:
            opened.engine.connect().close()
            self.first[kind] = opened.engine
            opened.engine._compiled_cache = LRUCache(STATEMENTS)
        for engine in (opened.engine, opened._reader, opened._writer):
            engine.dialect, engine._compiled_cache = self.first[kind].dialect, self.first[kind]._compiled_cache
        return opened

    @cached_property
    def _server(self) -> psycopg.Connection:
        """One connection for all copies, because opening one takes as long as a copy."""
        return psycopg.connect(os.environ[SERVER].format("postgres"), autocommit=True)

    def close(self) -> None:
        if "_server" in vars(self):
            self._server.close()

    def _ensure(self, backend: str, kind: str) -> str:
        made, name = self.folder / f"{backend}-{kind}.made", f"template_{kind}"
        if made.exists():
            return name
        if kind == f"{FULL}sample":
            self._ensure("sqlite", "sample")  # both have the secrets of the small one
        if kind != "empty":
            self._ensure(backend, _made_of(kind)[0])
        self.once(made, lambda: self._make(backend, kind, name))
        return name

    def once(self, made: Path, make: Callable[[], object], turn: str = "turn") -> None:
        """Have something made unless another process of the run has made it: the file `made` says so."""
        with (self.folder / turn).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not made.exists():
                before = costs.used()[0]
                make()
                made.touch()
                costs.of_all += costs.used()[0] - before  # whichever test is the first does it for all

    def _make(self, backend: str, kind: str, name: str) -> None:
        may_be_kept = self.kept and backend == "sqlite" and kind in {"empty", "sample", f"{FULL}sample"}
        if may_be_kept and self.kept.take(kind, self.folder):
            return
        of, make = _made_of(kind) if kind != "empty" else ("", None)
        base = f"template_{of}"
        url = f"sqlite:///{self.folder / name}.sqlite3"
        if backend == "postgresql":
            self._server.execute(f"CREATE DATABASE {name} TEMPLATE {base if of else 'template1'}")
            url = os.environ[SERVER].format(name)
        elif of:
            shutil.copy(self.folder / f"{base}.sqlite3", self.folder / f"{name}.sqlite3")
        made = Database(url)
        if make:
            make(made, read({"OUTREACH_DATA": str(self.folder / "data")}))
        else:
            prepare(made)
        made.dispose()
        if may_be_kept:
            self.kept.keep(kind, self.folder)


def _fill(database: Database, settings: Settings) -> None:
    add_people(database, settings, NOW)
    load_sample(database, settings, NOW, STORY_DAY)


def _fill_small(database: Database, settings: Settings) -> None:
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(sample, "populate", small.authorities)
        _fill(database, settings)


STATES["sample"] = "empty", _fill_small
