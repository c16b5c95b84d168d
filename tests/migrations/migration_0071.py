"""The way down: questions and what was decided about them have no place; other decisions stay."""

from tests.migrations.told import AT, BY, add, values


def before_downgrade(connection):
    add(connection, "asked_notes", id=1, title="x", request="{}", asked_by=BY, asked_at=AT, note_id=None)
    for subject, kind in (("request:1", "asked"), ("request:1", "answered"), ("note:1", "submitted")):
        said = {"digest": "0" * 64, "title": "x", "authorities": 0, "letters": None, "reason": ""}
        add(connection, "decisions", subject=subject, kind=kind, at=AT, actor=BY, **said)


def after_downgrade(connection, before):
    kept = values(connection, "SELECT subject FROM decisions")
    assert "note:1" in kept
    assert len(kept) == len(before["decisions"]) - 2
