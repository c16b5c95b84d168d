"""A strand may close on a day, and a programme keeps its file from before the last change, to go back to"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    with op.batch_alter_table("strands") as batch_op:
        batch_op.add_column(sa.Column("closed_on", sa.Date(), nullable=True))
    with op.batch_alter_table("programmes") as batch_op:
        batch_op.add_column(sa.Column("previous", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("programmes") as batch_op:
        batch_op.drop_column("previous")
    with op.batch_alter_table("strands") as batch_op:
        batch_op.drop_column("closed_on")
