"""A strand keeps its level as its only one; on the way back one of several levels keeps the first."""

import json

from tests.operations.migrations.told import values

SEVERAL = "(SELECT max(id) FROM strands)"


def after_upgrade(connection, before):
    was = {row["id"]: row["level"] for row in before["strands"]}
    assert dict(values(connection, "SELECT id, levels FROM strands")) == was != {}
    for data in values(connection, "SELECT data FROM events WHERE kind = 'programme.stated'"):
        assert all(strand["levels"] and "level" not in strand for strand in json.loads(data)["strands"])


def before_downgrade(connection):
    connection.exec_driver_sql(f"UPDATE strands SET levels = 'primary,secondary' WHERE id = {SEVERAL}")


def after_downgrade(connection, before):
    assert values(connection, f"SELECT level FROM strands WHERE id = {SEVERAL}") == ["primary"]
