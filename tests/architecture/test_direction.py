import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from grimp import build_graph

from outreach.core.db import Base
from outreach.core.settings import ROOT

KNOWN_TO_WAKE_UPS = {"outreach.core.db", "outreach.core.settings", "outreach.core.text", "outreach.operations.worker"}
MOST_REACHED = 64


def layers():
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    lines = contracts["importlinter:contract:houses"]["layers"].strip().splitlines()
    return {name.strip(" ()"): depth for depth, line in enumerate(lines) for name in line.split("|")}


def home(table):
    """The package whose model a table is."""
    for mapper in Base.registry.mappers:
        if mapper.local_table is table:
            return mapper.class_.__module__.split(".")[1]
    return "access" if table.name == "role_holders" else None


@pytest.mark.long
def test_the_import_contract_holds():
    linter = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_wake_ups_are_forbidden_every_room_but_the_few_that_they_know():
    """A list of what is forbidden forgets the next room, and nothing says so."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter")
    forbidden = set(contracts["importlinter:contract:wakeups"]["forbidden_modules"].split())
    found = {name for name in build_graph("outreach").modules if not name.endswith("__main__")}
    houses = {name for name in found if name.count(".") == 1} - {"outreach.core", "outreach.operations"}
    rooms = {name for name in found if name.count(".") == 2 and name.split(".")[1] in {"core", "operations"}}
    assert forbidden == (houses | rooms) - KNOWN_TO_WAKE_UPS


def test_foreign_keys_point_the_way_knowledge_does():
    depth = layers()
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            above, below = home(table), home(key.column.table)
            assert above == below or depth[above] < depth[below], f"{table.name} points up to {key.column.table.name}"


def test_the_audit_has_no_foreign_key():
    assert not Base.metadata.tables["audit_entries"].foreign_keys


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("outreach.cli.running.work", {"flask", "flask_login", "argon2", "cryptography", "alembic"}),
        ("outreach.cli.running.up", {"flask", "alembic", "outreach.operations.demo.story"}),  # each start waits for it
        ("outreach.cli.processes.web", {"aiosmtpd", "authlib", "joserfc"}),
        ("outreach.operations.demo.mailbox", {"sqlalchemy", "pydantic", "click", "flask", "jinja2"}),
    ],
)
def test_a_process_loads_nothing_heavy_that_it_does_not_use(module, heavy):
    """It holds what it has loaded, and so does a process that it forks, for months."""
    asked = f"import sys, {module}; print({heavy} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ended.stdout.strip() == "set()"


def test_what_pages_share_reaches_few_modules():
    """A change of a room would otherwise be a change of every page."""
    graph = build_graph("outreach")
    shared = [module for module in graph.modules if module.startswith("outreach.web.ui.")]
    reached = {module: len(graph.find_upstream_modules(module)) for module in shared}
    assert reached
    assert {module: count for module, count in reached.items() if count >= MOST_REACHED} == {}
