"""A mail received keeps what its files hold"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column

revision = "0129"
down_revision = "0128"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    with op.batch_alter_table("received_files") as batch_op:
        batch_op.add_column(column("content", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("received_files") as batch_op:
        batch_op.drop_column("content")
