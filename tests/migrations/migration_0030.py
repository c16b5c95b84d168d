"""What searches look into holds the place, too."""

from outreach.directory.reference import fold
from tests.migrations.told import values


def after_upgrade(connection, before):
    for table in ("authorities", "schools"):
        rows = values(connection, f"SELECT folded, name, locality, municipality FROM {table}")
        assert rows
        for folded, *words in rows:
            assert all(fold(word) in folded for word in words), (table, folded)
        assert {row["folded"] for row in before[table]} != {folded for folded, *_ in rows}
