"""The way down: a day to come back and a reply have no place; what else was done, and the letter, stay."""

from tests.migrations.told import AT, BY, add, change, values


def before_downgrade(connection):
    step = {"response_id": 1, "at": AT, "actor": BY, "note": ""}
    add(connection, "response_steps", **step, step="postponed", day="2021-05-20")
    add(connection, "response_steps", **step, step="replied", day=None)
    change(connection, "UPDATE mailings SET purpose = 'reply' WHERE id = 2")


def after_downgrade(connection, before):
    stay = {row["id"] for row in before["response_steps"] if row["step"] not in {"postponed", "replied"}}
    assert set(values(connection, "SELECT id FROM response_steps")) == stay
    assert len(before["response_steps"]) >= len(stay) + 2 > 2
    assert values(connection, "SELECT purpose FROM mailings WHERE id = 2") == ["confirmation"]
    assert len(values(connection, "SELECT id FROM messages")) == len(before["messages"])
