"""A campaign has a preheader, and the address of its circular"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None
kind = Kind.BREAKING
ADDED = {"preheader": sa.Text(), "circular_url": sa.String(length=500)}


def upgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        for name, kind in ADDED.items():
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=""))
    with op.batch_alter_table("campaigns") as batch_op:
        for name, kind in ADDED.items():
            batch_op.alter_column(name, server_default=None, existing_type=kind)


def downgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        for name in ADDED:
            batch_op.drop_column(name)
