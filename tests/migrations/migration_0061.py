"""What waits is what no step handled, or what was reopened since."""

from tests.migrations.told import AT, BY, add, values


def before_upgrade(connection):
    step = {"response_id": 1, "at": AT, "actor": BY, "note": ""}
    for kind in ("handled", "reopened", "taken"):
        add(connection, "response_steps", **step, step=kind, day=None)


def after_upgrade(connection, before):
    steps = sorted((row["id"], row["response_id"], row["step"]) for row in before["response_steps"])
    last = {response: step for _, response, step in steps if step in {"handled", "reopened"}}
    waiting = {row["id"] for row in before["responses"] if last.get(row["id"]) != "handled"}
    assert set(values(connection, "SELECT response_id FROM waiting_responses")) == waiting
    assert 1 in waiting
