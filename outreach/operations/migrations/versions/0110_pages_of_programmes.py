"""A programme states its page, to which letters lead, and what letters call it beside its name"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE  # the program of before leaves them as they are


def upgrade() -> None:
    with op.batch_alter_table("programmes") as batch_op:
        for name in ("page", "words"):
            batch_op.add_column(column(name, sa.String(500), server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("programmes") as batch_op:
        for name in ("words", "page"):
            batch_op.drop_column(name)
