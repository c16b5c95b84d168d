"""Letters name the mailbox of replies once it is read; what was submitted before keeps its contact person"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column

revision = "0117"
down_revision = "0116"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "replies_readings",
        column("id", sa.Integer(), primary_key=True, autoincrement=False),
        column("address", sa.String(320)),
        sa.CheckConstraint("id = 1", name="one"),
    )
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(column("replies_to", sa.String(320), server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("replies_to")
    op.drop_table("replies_readings")
