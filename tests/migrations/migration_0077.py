"""What was submitted before letters had a letterhead has none; a letter by hand stays guarded, up and down."""

import pytest
from sqlalchemy import exc, text

from tests.migrations.told import AT, BY, add, values

ROW = {"authority_id": 1, "address": "a@b.example", "text": "Objet : x", "text_id": None, "written_at": AT}


def before_upgrade(connection):
    add(connection, "service_letters", id=9100, key="8" * 32, written_by=BY, **ROW)


def after_upgrade(connection, _before):
    assert values(connection, "SELECT count(*) FROM campaigns WHERE letterhead_id IS NOT NULL") == [0]
    with pytest.raises(exc.DBAPIError), connection.begin_nested():
        connection.execute(text("UPDATE service_letters SET letterhead_id = 1 WHERE id = 9100"))


def after_downgrade(connection, _before):
    assert values(connection, "SELECT text FROM service_letters WHERE id = 9100") == ["Objet : x"]
