"""Editions that were sent, in a table of their own until then, become rows of the one that holds applied editions."""

from tests.migrations.told import AT, BY, add, values

LOSES = ("register_uploads", "register_imports")  # the latter gains what waits
REJECTED = '[{"row": 3, "column": "Réseau", "message": "Inconnu."}]'
SENT = {"received_at": AT, "received_by": BY}


def before_upgrade(connection):
    ((day, digest),) = values(connection, "SELECT edition_on, sha256 FROM register_imports WHERE id = 1")
    edition = {"edition_on": day, "sha256": digest, **SENT}
    add(connection, "register_uploads", id=1, **edition, grid="{1}", outcome=REJECTED, import_id=1)
    add(connection, "register_uploads", id=2, **edition, grid="{2}", outcome="", import_id=None)


def after_upgrade(connection, before):
    applied = [row["id"] for row in before["register_imports"]]
    assert values(connection, "SELECT id FROM register_imports WHERE applied_at IS NOT NULL ORDER BY id") == applied
    kept = "SELECT state, grid, outcome, received_by FROM register_imports WHERE grid <> '' ORDER BY id"
    assert values(connection, kept) == [
        ("applied", "{1}", f'{{"rejected": {REJECTED}}}', BY),
        ("received", "{2}", "", BY),
    ]
