"""What was done about responses and records, from revision 0018 to 0019 and back: the columns become dated rows."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from outreach import migrations
from tests.migrations.dumps import insert
from tests.migrations.test_populated import dumped

DUMP = json.loads((Path(__file__).parent / "0014.json").read_text(encoding="utf-8"))
AT, BY = "2021-05-18T09:00:00+00:00", "nadia.lambert@fwb.example"
pytestmark = [pytest.mark.postgresql, pytest.mark.long, pytest.mark.deep]


@pytest.fixture
def before(database):
    """A populated database at revision 0014 with a withdrawn record, and what it holds."""
    dump = json.loads(json.dumps(DUMP))
    dump["adherence_records"][0]["withdrawn_at"] = AT
    migrations.downgrade(database.engine)
    migrations.upgrade(database.engine, "0014")
    insert(database, dump)
    return dump


def test_each_step_keeps_its_hour_and_its_author(database, before):
    migrations.upgrade(database.engine)
    held = dumped(database)
    assert [(row["record_id"], row["withdrawn_at"]) for row in held["record_withdrawals"]] == [(1, AT)]
    steps = {(row["response_id"], row["step"], row["at"], row["actor"]) for row in held["response_steps"]}
    taken = {
        (row["id"], "taken", row["owned_at"] or row["handled_at"], row["owner"])
        for row in before["responses"]
        if row["owner"]
    }
    handled = {
        (row["id"], "handled", row["handled_at"], row["handled_by"]) for row in before["responses"] if row["handled_at"]
    }
    assert steps == taken | handled


def test_a_response_that_was_reopened_waits_after_the_way_down(database, before):
    migrations.upgrade(database.engine)
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO response_steps (response_id, step, at, actor, note) VALUES (1, 'reopened', :at, :by, '')"
            ),
            {"at": AT, "by": BY},
        )
    migrations.downgrade(database.engine, "0014")
    (first, *_), expected = dumped(database)["responses"], before["responses"][0]
    assert first == expected | {
        "handled_at": None,
        "handled_by": None,
        "outcome": "",
        "owned_at": expected["handled_at"],
    }
