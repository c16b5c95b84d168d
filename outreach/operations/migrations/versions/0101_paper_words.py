"""What a letter on paper says is kept with it, so that a file asked for again is the one that was posted"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0101"
down_revision = "0100"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    with op.batch_alter_table("paper_letters") as batch_op:
        batch_op.add_column(sa.Column("content", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("paper_letters") as batch_op:
        batch_op.drop_column("content")
