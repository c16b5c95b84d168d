"""On the way down, what letters' pages asked of addresses is lost, and what they reported of schools stays."""

from tests.operations.migrations.told import AT, add, add_proposal, values

FORGETS = ("proposals", "sent_forms")
ASKED = 12201


def before_downgrade(connection):
    letter = add_proposal(connection, ASKED, "gone")
    fields = {"state": "to_verify", "doubt": "no_page", "digest": "x", "answers": "", "at": AT, "changed_at": AT}
    add(connection, "sent_forms", id=ASKED, message_id=letter, kind="address", **fields)


def after_downgrade(connection, before):
    for table in FORGETS:
        assert values(connection, f"SELECT id FROM {table} WHERE id = {ASKED}") == []
