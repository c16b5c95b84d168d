"""Letters by hand, what was decided about them, and their prepared texts go on the way down; replies stay."""

from tests.migrations.told import AT, BY, add, change, values

LAST = "SELECT max(id) FROM mailings WHERE purpose <> 'staff'"  # what goes to nobody outside goes with another revision


def before_downgrade(connection):
    change(connection, "UPDATE mailings SET purpose = 'letter' WHERE id = (" + LAST + ")")
    add(connection, "prepared_texts", id=9000, use="after_call", text="Objet : x", written_at=AT, written_by=BY)
    told = {"title": "x", "digest": "", "authorities": 0, "at": AT, "actor": BY, "reason": ""}
    for key, subject in ((9000, "letter:9000"), (9001, "text:9000")):
        add(connection, "decisions", id=key, subject=subject, kind="submitted", **told)
    letter = {"authority_id": 1, "address": "a@b.example", "text": "Objet : x", "text_id": None, "key": "9" * 32}
    add(connection, "service_letters", id=9000, written_at=AT, written_by=BY, **letter)
    left = {"message_id": 1, "text_id": 9000, "key": "9" * 32, "subject": "x", "text": "x"}
    if not values(connection, "SELECT id FROM service_replies WHERE message_id = 1"):
        add(connection, "service_replies", id=9000, letter_id=9000, sent_at=AT, sent_by=BY, **left)


def after_downgrade(connection, _before):
    assert values(connection, "SELECT id FROM decisions WHERE id >= 9000") == []
    assert values(connection, "SELECT id FROM prepared_texts WHERE id >= 9000") == []
    assert values(connection, "SELECT id FROM service_replies WHERE id >= 9000") == []
    assert values(connection, "SELECT id FROM mailings WHERE purpose = 'letter'") == []
