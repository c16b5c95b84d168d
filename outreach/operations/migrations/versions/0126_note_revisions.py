"""What was applied since a note was published and changes its figures, and what is decided about it"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations import append_only
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, key, moment, one_of, to

revision = "0126"
down_revision = "0125"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING

TABLE, LOOKED = "note_revisions", "looked_imports"
KINDS = ("revised", "restored", "kept", "told", "silenced")
IMPORTS = {"list": "joining_lists", "edition": "register_imports"}


def upgrade() -> None:
    op.create_table(
        TABLE,
        key(),
        to("note_id", "notes"),
        moment("at"),
        one_of("kind", "note_revision_kind", *KINDS),
        column("actor", sa.String(255)),
        column("words", sa.Text()),
    )
    op.create_index(f"ix_{TABLE}_note_id", TABLE, ["note_id"])
    append_only.guard_words(TABLE, ("actor", "words"), ("id", "note_id", "at", "kind"))
    op.create_table(LOOKED, column("what", sa.String(40), primary_key=True), moment("looked_at"))
    for name, table in IMPORTS.items():
        for turn in ("applied", "undone"):  # what was told before is asked for, and no task
            op.execute(
                f"INSERT INTO {LOOKED} (what, looked_at) SELECT '{name}\\:' || id || '\\:{turn}', {turn}_at FROM {table}"  # noqa: S608 - our words
                f" WHERE {turn}_at IS NOT NULL"
            )


def downgrade() -> None:
    """What was decided about revised notes is lost."""
    op.drop_table(LOOKED)
    append_only.unguard(TABLE)
    op.drop_index(f"ix_{TABLE}_note_id", TABLE)
    op.drop_table(TABLE)
