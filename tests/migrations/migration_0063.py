"""A hit that waits to be judged has the version 0, which the older schema's program does not know: it becomes 1."""

from tests.migrations.told import change, values


def before_downgrade(connection):
    change(connection, "UPDATE hits SET version = 0 WHERE id = 1")


def after_downgrade(connection, before):
    versions = {row["id"]: row["version"] for row in before["hits"]}
    assert versions[1] == 0
    expected = {identity: version or 1 for identity, version in versions.items()}
    assert dict(values(connection, "SELECT id, version FROM hits")) == expected
