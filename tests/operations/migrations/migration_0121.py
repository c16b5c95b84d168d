"""What colleagues confirmed, what mailboxes answered and what lists stated become confirmations, each once."""

from tests.operations.migrations.told import AT, BY, add, values

LOSES = ("follow_up_steps",)
GAINS = ("address_confirmations",)
FORGETS = ("follow_up_steps",)
KEPT = 12101
BOX = "SELECT id, authority_id FROM contacts WHERE retired_at IS NULL ORDER BY id LIMIT 1"


def before_upgrade(connection):
    for contact, authority in values(connection, BOX):
        step = {"authority_id": authority, "at": AT, "actor": BY, "note": "appel"}
        add(connection, "follow_up_steps", id=KEPT, step="confirmed", contact_id=contact, **step)
        add(connection, "follow_up_steps", id=KEPT + 1, step="taken", contact_id=None, **step)


def after_upgrade(connection, before):
    told = "SELECT contact_id, actor, about FROM address_confirmations WHERE way = 'staff' AND note = 'appel'"
    assert values(connection, told) == [(contact, BY, "") for contact, _ in values(connection, BOX)]
    assert values(connection, f"SELECT id FROM follow_up_steps WHERE id >= {KEPT}") == [KEPT + 1]
    answered = {(row["message_id"], row["given_at"]) for row in before["responses"] if row["answer"] != "wrong_contact"}
    confirmed = values(connection, "SELECT about FROM address_confirmations WHERE way = 'answer'")
    assert len(set(confirmed)) == len(confirmed) <= len(answered)
    assert bool(confirmed) == bool(answered)


def after_downgrade(connection, before):
    told = "SELECT actor, note FROM follow_up_steps WHERE step = 'confirmed' AND note = 'appel'"
    assert values(connection, told) == [(BY, "appel")]
