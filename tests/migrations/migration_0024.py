"""The way down: letters to staff go, and changes of gates are guarded as before."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.migrations.told import values

COUNTS = "SELECT (SELECT count(*) FROM mailings), (SELECT count(*) FROM messages), (SELECT count(*) FROM batches)"


def before_downgrade(connection):
    """`test_populated` has written to staff at the newest revision."""
    assert values(connection, "SELECT count(*) FROM mailings WHERE purpose = 'staff'") == [1]
    assert values(connection, "SELECT count(*) FROM messages WHERE federation_id IS NULL AND authority_id IS NULL") == [
        1
    ]


def after_downgrade(connection, before):
    left = [len(before[table]) - 1 for table in ("mailings", "messages", "batches")]
    assert values(connection, COUNTS) == [tuple(left)]
    with pytest.raises(IntegrityError, match="only added"), connection.begin_nested():
        connection.execute(text("DELETE FROM gate_changes"))
