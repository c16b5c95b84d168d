"""The revisions are read once a process: to read all of them takes longer than most of them take."""

from functools import cache

import pytest
from alembic.script import ScriptDirectory


@cache
def _in(location):
    return ScriptDirectory(location)


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    monkeypatch.setattr(ScriptDirectory, "from_config", lambda config: _in(config.get_main_option("script_location")))
