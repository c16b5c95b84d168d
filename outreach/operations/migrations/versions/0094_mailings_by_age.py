"""Mailings are found by when they were made: those that were never filled are emptied in their time, too"""

from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0094"
down_revision = "0093"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    op.create_index("ix_mailings_created_at", "mailings", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_mailings_created_at", "mailings")
