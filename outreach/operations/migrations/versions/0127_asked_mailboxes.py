"""Letters of campaigns submitted from now on ask once a year whether a mailbox is the right one"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column

revision = "0127"
down_revision = "0126"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(column("asks_address", sa.Boolean(), server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("asks_address")
