"""Undoing an edition of the register keeps what it stated, for the moments at which it was known"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, moment

revision = "0123"
down_revision = "0122"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before would count what is kept beside what stands

DATED = ("listings", "teachings", "school_sites", "memberships")


def upgrade() -> None:
    for table in DATED:
        op.add_column(table, moment("known_from", nullable=True))
        op.add_column(table, moment("undone_at", nullable=True))
        op.add_column(table, column("kept_until", sa.Date(), nullable=True))
    op.add_column("register_imports", column("is_kept", sa.Boolean(), server_default=sa.false()))


def downgrade() -> None:
    """What was kept is lost: moments under an edition that was undone are unknowable again."""
    for table in DATED:
        op.execute(f"DELETE FROM {table} WHERE undone_at IS NOT NULL")
        with op.batch_alter_table(table) as batch_op:
            for name in ("known_from", "undone_at", "kept_until"):
                batch_op.drop_column(name)
    with op.batch_alter_table("register_imports") as batch_op:
        batch_op.drop_column("is_kept")
