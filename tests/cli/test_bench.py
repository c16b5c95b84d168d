"""The measuring commands."""

import pytest

from outreach.cli.running import bench
from outreach.errors import Refused


def test_a_measure_that_needs_a_server_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(bench, "POSTGRESQL", "a_package_that_nobody_has")
    for options in (("--database", "postgresql"), ("--database=postgresql",)):
        with pytest.raises(Refused, match=r"\./run test --version"):
            bench._run("hits", options)
