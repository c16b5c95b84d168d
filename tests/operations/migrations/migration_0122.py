"""On the way down, what letters' pages asked of addresses is lost, and what they reported of schools stays."""

from tests.operations.migrations.told import AT, add, values

FORGETS = ("proposals", "sent_forms")
ASKED = 12201


def before_downgrade(connection):
    ((letter, authority),) = values(connection, "SELECT id, authority_id FROM messages WHERE authority_id > 0 LIMIT 1")
    of = {
        "message_id": letter,
        "authority_id": authority,
        "state": "waiting",
        "scope_code": "",
        "said": "",
        "answer": "",
    }
    by = {"address": "", "proposed_at": AT, "proposed_by": "x"}
    add(connection, "proposals", id=ASKED, kind="gone", **of, **by)
    fields = {"state": "to_verify", "doubt": "no_page", "digest": "x", "answers": "", "at": AT, "changed_at": AT}
    add(connection, "sent_forms", id=ASKED, message_id=letter, kind="address", **fields)


def after_downgrade(connection, before):
    for table in FORGETS:
        assert values(connection, f"SELECT id FROM {table} WHERE id = {ASKED}") == []
