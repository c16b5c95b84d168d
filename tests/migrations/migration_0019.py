"""What columns said of responses and of withdrawals becomes dated rows; a response that was reopened waits below."""

from tests.migrations.told import AT, BY, add, change, values


def before_upgrade(connection):
    change(connection, "UPDATE adherence_records SET withdrawn_at = :at WHERE id = 1", at=AT)


def after_upgrade(connection, before):
    withdrawn = [(row["id"], row["withdrawn_at"]) for row in before["adherence_records"] if row["withdrawn_at"]]
    assert values(connection, "SELECT record_id, withdrawn_at FROM record_withdrawals") == withdrawn
    responses = before["responses"]
    taken = {
        (row["id"], "taken", row["owned_at"] or row["handled_at"], row["owner"]) for row in responses if row["owner"]
    }
    handled = {(row["id"], "handled", row["handled_at"], row["handled_by"]) for row in responses if row["handled_at"]}
    steps = values(connection, "SELECT response_id, step, at, actor FROM response_steps")
    assert set(steps) == taken | handled
    assert len(steps) == len(taken) + len(handled) > 2


def before_downgrade(connection):
    reopened = {"response_id": 1, "step": "reopened", "at": AT, "actor": BY, "note": ""}
    add(connection, "response_steps", **reopened)


def after_downgrade(connection, before):
    taken = {
        row["id"]: row["at"] for row in before["response_steps"] if (row["response_id"], row["step"]) == (1, "taken")
    }
    found = values(connection, "SELECT handled_at, handled_by, outcome, owned_at FROM responses WHERE id = 1")
    assert found == [(None, None, "", taken[max(taken)])]
