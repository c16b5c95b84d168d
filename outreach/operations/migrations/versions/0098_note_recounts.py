"""Notes whose figures were counted by definitions that have changed: each is counted again, or its correction offered"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import to

revision = "0098"
down_revision = "0097"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # a note that the program of before froze would have no row


def upgrade() -> None:
    op.create_table(
        "note_recounts",
        to("note_id", "notes", primary_key=True, autoincrement=False),
        to("again_id", "notes", nullable=True, index=True),
    )
    _work_out(op.get_bind())


def downgrade() -> None:
    op.drop_table("note_recounts")


def _work_out(bind: sa.Connection) -> None:
    notes = sa.table("notes", sa.column("id"), sa.column("figures"))
    recounts = sa.table("note_recounts", sa.column("note_id"))
    found = bind.execute(sa.select(notes.c.id, notes.c.figures))
    changed = [{"note_id": key} for key, figures in found if _has_changed(json.loads(figures))]
    if changed:
        bind.execute(recounts.insert(), changed)


def _has_changed(figures: dict[str, Any]) -> bool:
    """Whether a note says whom campaigns reached, or counts as recipients those to whom no letter left."""
    counted = [dict(one.get("counted", ())) for one in figures.get("actions", ())]
    return bool(figures.get("reached")) or any("sent" in one and one["sent"] != one.get("meant") for one in counted)
