"""`purge`: counts what would go, and deletes it."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from outreach.access.accounts.access_log import AccessLogEntry, TrailKind
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.core.settings import read
from outreach.operations.retention.policy import RULES


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def purge(staffed, tmp_path, now):
    """Run the command in this process; returns what it printed."""

    def run(*words):
        operation = Operation()
        operation.settings, operation.now = read({"OUTREACH_DATA": str(tmp_path)}), now
        operation.database = staffed
        result = CliRunner().invoke(commands, ["purge", *words], obj=operation)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_purge_counts_by_rule_then_deletes(purge, staffed, now):
    with staffed.writing() as session:
        told = {"kind": TrailKind.SIGNED_IN, "person": "x@fwb.example", "detail": ""}
        session.add_all(AccessLogEntry(at=now - timedelta(days=4000 * over), **told) for over in (1, 1, 0))
    for arguments, left in ((["--dry-run"], 3), ([], 1)):
        answer = json.loads(purge(*arguments, "--json"))
        assert [rule["table"] for rule in answer["rules"]] == [rule.table for rule in RULES]
        assert [rule for rule in answer["rules"] if rule["rows"]] == [{"table": "trail_entries", "rows": 2}]
        with staffed.reading() as session:
            assert session.scalar(select(func.count()).select_from(AccessLogEntry)) == left
    assert "Rien" in purge("--dry-run")
