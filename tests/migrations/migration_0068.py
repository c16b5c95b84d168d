"""What may name a person can be taken out of rows that are only added; anything else stays refused."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

MARK = "effacée-0123456789abcdef0123456789abcdef"


def after_upgrade(connection, _before):
    tried = connection.begin_nested()
    for actor in (MARK, ""):
        assert connection.execute(text("UPDATE gate_changes SET actor = :actor"), {"actor": actor}).rowcount
    tried.rollback()
    _refuses(connection, "UPDATE gate_changes SET actor = 'somebody else'")
    _refuses(connection, "UPDATE gate_changes SET at = '2000-01-01 00:00:00.000000'")
    _refuses(connection, "DELETE FROM gate_changes")
    _refuses(connection, "UPDATE audit_entries SET actor = 'somebody else'")


def after_downgrade(connection, _before):
    _refuses(connection, "UPDATE gate_changes SET actor = ''")
    _refuses(connection, "UPDATE audit_entries SET actor = ''")


def _refuses(connection, statement):
    with pytest.raises(IntegrityError, match="only added"), connection.begin_nested():
        connection.execute(text(statement))
