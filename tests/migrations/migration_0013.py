"""The draft of a letter becomes part of one JSON object."""

import json

from tests.migrations.told import values


def after_upgrade(connection, before):
    were = [json.loads(row["letter"])["draft"] for row in sorted(before["mailings"], key=lambda row: row["id"])]
    assert were
    are = values(connection, "SELECT letter FROM mailings ORDER BY id")
    assert [json.loads(letter)["draft"] for letter in are] == list(map(json.loads, were))
