"""The database itself refuses changes of what is only added to."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


def after_upgrade(connection, _before):
    for table in ("audit_entries", "campaign_transitions", "gate_changes", "wave_transitions"):
        _refuses(connection, table, "only added")


def after_downgrade(connection, _before):
    _refuses(connection, "audit_entries", "never changed")


def _refuses(connection, table, words):
    with pytest.raises(IntegrityError, match=words), connection.begin_nested():
        connection.execute(text(f"DELETE FROM {table}"))
