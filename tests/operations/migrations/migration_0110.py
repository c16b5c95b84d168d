"""A programme has no page and no other words before somebody states them, and keeps its other columns."""

from tests.operations.migrations.told import values


def after_upgrade(connection, before):
    assert {(page, words) for page, words in connection.exec_driver_sql("SELECT page, words FROM programmes")} == {
        ("", "")
    }
    assert sorted(values(connection, "SELECT code FROM programmes")) == sorted(
        one["code"] for one in before["programmes"]
    )
