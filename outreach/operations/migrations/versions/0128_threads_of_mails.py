"""A mail received keeps its Message-ID, so that what answers it stays in its thread"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column

revision = "0128"
down_revision = "0127"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    with op.batch_alter_table("received_mails") as batch_op:
        batch_op.add_column(column("ident", sa.String(250), server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("received_mails") as batch_op:
        batch_op.drop_column("ident")
