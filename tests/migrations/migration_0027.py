"""The withdrawal of what allows a mailbox to be measured becomes a row of its own."""

from tests.migrations.told import values


def after_upgrade(connection, before):
    withdrawn = [
        (row["id"], row["withdrawn_at"], row["withdrawn_by"], "")
        for row in before["tracking_bases"]
        if row["withdrawn_at"]
    ]
    assert withdrawn
    found = values(connection, "SELECT basis_id, withdrawn_at, withdrawn_by, channel FROM basis_withdrawals")
    assert found == withdrawn
