"""Waves from revision 0020 to 0021: each says which reminder it is."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from outreach import migrations
from tests.migrations.dumps import insert

DUMP = json.loads((Path(__file__).parent / "0014.json").read_text(encoding="utf-8"))
pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def test_a_wave_that_was_called_off_does_not_count(database):
    dump = json.loads(json.dumps(DUMP))
    _, planned = dump["waves"]
    dump["waves"].append({**planned, "id": 3, "number": 3})
    planned["state"] = "cancelled"
    migrations.downgrade(database.engine)
    migrations.upgrade(database.engine, "0014")
    insert(database, dump)
    migrations.upgrade(database.engine)
    with database.engine.connect() as connection:
        assert connection.scalars(text("SELECT reminder FROM waves ORDER BY number")).all() == [0, 1, 1]
