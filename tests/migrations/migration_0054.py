"""Who approved or refused a note or a prepared text becomes decisions, with the digests of what they were about."""

from hashlib import sha256

from tests.migrations.told import AT, BY, add, values

LOSES = ("note_refusals", "text_approvals", "decisions")  # the last one gains what the others lose
ANOTHER = "marc.dethier@fwb.example"
LATER = "2021-05-19 09:00:00.000000"


def before_upgrade(connection):
    note = {"programme_id": 1, "as_of": "2021-05-15", "known_at": AT, "figures": "{}", "text": ""}
    for key, title in ((1, "approuvée"), (2, "refusée"), (3, "en attente")):
        frozen = {"sha256": f"{key}" * 64, "frozen_at": AT, "frozen_by": BY}
        add(connection, "notes", id=key, title=title, **note, **frozen)
    approval = {"position": 1, "note_id": 1, "year": 2021, "rank": 1, "number": "2021-001", "previous_sha256": ""}
    signed = {"approved_as": "validation", "signature": "x", "public_key": "x"}
    add(connection, "note_approvals", **approval, **signed, approved_at=LATER, approved_by=ANOTHER)
    add(connection, "note_refusals", note_id=2, refused_at=LATER, refused_by=ANOTHER, reason="Trop tôt.")
    if not values(connection, "SELECT id FROM prepared_texts"):  # an older dump has none
        add(connection, "prepared_texts", id=1, use="joined", text="Bonjour", written_at=AT, written_by=BY)
        add(connection, "text_approvals", text_id=1, approved_at=LATER, approved_by=ANOTHER)
    for key, use in ((2, "help"), (3, "joined")):
        add(connection, "prepared_texts", id=key, use=use, text=f"Texte {key}", written_at=AT, written_by=BY)


def after_upgrade(connection, before):
    first, digest = before["prepared_texts"][0], sha256(b"Texte 3").hexdigest()
    said = "SELECT subject, kind, digest, actor, reason FROM decisions WHERE subject LIKE '{}:%' ORDER BY id"
    assert values(connection, said.format("note")) == [
        ("note:1", "submitted", "1" * 64, BY, ""),
        ("note:1", "approved", "1" * 64, ANOTHER, "sous le numéro 2021-001"),
        ("note:2", "submitted", "2" * 64, BY, ""),
        ("note:2", "refused", "2" * 64, ANOTHER, "Trop tôt."),
        ("note:3", "submitted", "3" * 64, BY, ""),
    ]
    told = values(connection, said.format("text"))
    assert [row[:2] for row in told] == [
        ("text:1", "submitted"),
        ("text:1", "approved"),
        ("text:1", "withdrawn"),
        ("text:3", "submitted"),
    ]
    assert told[1][2:4] == (sha256(first["text"].encode()).hexdigest(), ANOTHER)
    assert told[3][2] == digest
