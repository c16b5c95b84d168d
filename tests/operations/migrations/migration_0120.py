"""What federations proposed stays as it was; on the way down, what letters reported is lost."""

from tests.operations.migrations.told import AT, add, values

FORGETS = ("proposals",)
KEPT = 12001
PROPOSED = {"said": "dit", "answer": "", "address": "", "proposed_at": AT, "proposed_by": "x"}


PAIR = "SELECT authority_id, school_id FROM listings ORDER BY id LIMIT 1"


def before_upgrade(connection):
    for authority, school in values(connection, PAIR):
        of = {"authority_id": authority, "school_id": school, "kind": "school", "state": "waiting"}
        add(connection, "proposals", id=KEPT, scope_kind="network", scope_code="WBE", **of, **PROPOSED)


def after_upgrade(connection, before):
    where = "scope_code = 'WBE' AND message_id IS NULL"
    assert values(connection, f"SELECT id FROM proposals WHERE id = {KEPT} AND {where}") == [KEPT]


def before_downgrade(connection):
    (letter,) = values(connection, "SELECT id FROM messages ORDER BY id LIMIT 1")
    ((authority, school),) = values(connection, PAIR)
    of = {"authority_id": authority, "school_id": school, "kind": "school", "state": "withdrawn", "scope_code": ""}
    decided = {"decided_at": AT, "decided_by": "x"}
    add(connection, "proposals", id=KEPT + 1, message_id=letter, scope_kind=None, **of, **decided, **PROPOSED)


def after_downgrade(connection, before):
    assert values(connection, f"SELECT id FROM proposals WHERE id BETWEEN {KEPT} AND {KEPT + 1}") == [KEPT]
