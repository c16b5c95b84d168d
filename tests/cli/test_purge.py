"""`purge`: counts what would go, and deletes it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.access.accounts import AccessLogEntry, TrailKind
from outreach.operations.retention import RULES
from tests.commands import invoke

pytestmark = pytest.mark.only_one


@pytest.fixture
def purge(staffed, tmp_path, now):
    """Run the command in this process; returns what it printed."""

    def run(*words):
        result = invoke(staffed, {"OUTREACH_DATA": str(tmp_path)}, "purge", *words, now=now)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_purge_counts_by_rule_then_deletes(purge, staffed, now):
    with staffed.writing() as session:
        fields = {"kind": TrailKind.SIGNED_IN, "person": "x@fwb.example", "detail": ""}
        session.add_all(AccessLogEntry(at=now - timedelta(days=4000 * over), **fields) for over in (1, 1, 0))
    for arguments, left in ((["--dry-run"], 3), ([], 1)):
        answer = json.loads(purge(*arguments, "--json"))
        assert [rule["table"] for rule in answer["rules"]] == [rule.table for rule in RULES]
        assert [rule for rule in answer["rules"] if rule["rows"]] == [{"table": "trail_entries", "rows": 2}]
        with staffed.reading() as session:
            assert session.scalar(select(func.count()).select_from(AccessLogEntry)) == left
    assert "Rien" in purge("--dry-run")
