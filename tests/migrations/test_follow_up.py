"""From revision 0033 down: a day to come back and a reply have no place below, and what else a step says stays."""

import json

import pytest
from sqlalchemy import text

from outreach import migrations
from tests.db.test_append_only import LATER
from tests.migrations.dumps import insert
from tests.migrations.test_populated import FOLDER, dumped

AT = "2021-05-18T09:00:00+00:00"
pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def test_the_way_down_drops_days_and_replies_and_keeps_the_letter(database):
    migrations.downgrade(database.engine)
    migrations.upgrade(database.engine, "0014")
    insert(database, json.loads((FOLDER / "0014.json").read_text(encoding="utf-8")))
    migrations.upgrade(database.engine)
    insert(database, LATER)
    with database.reading() as session:
        accepted = session.execute(
            text("SELECT count(*), sum(CASE WHEN accepted_at = created_at THEN 1 END) FROM users")
        )
        assert len(set(accepted.one())) == 1, "an account from before was accepted when it was made"
    before = dumped(database)
    with database.engine.begin() as connection:
        added = (
            "INSERT INTO response_steps (response_id, step, at, actor, note, day) VALUES (1, :step, :at, 'a', '', :day)"
        )
        for step, day in (("postponed", "2021-05-20"), ("replied", None), ("released", None)):
            connection.execute(text(added), {"step": step, "at": AT, "day": day})
        connection.execute(text("UPDATE mailings SET purpose = 'reply' WHERE id = 1"))
    migrations.downgrade(database.engine, "0025")
    after = dumped(database)
    assert len(after["response_steps"]) == len(before["response_steps"])
    assert "service_replies" not in after
    assert after["mailings"][0]["purpose"] == "confirmation"
    assert after["messages"] == before["messages"]
    migrations.upgrade(database.engine)
    migrations.check(database.engine)
