"""A worker says which relay owes it answers, on how many connections, and since when"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.kinds import Kind

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    with op.batch_alter_table("workers") as batch_op:
        batch_op.add_column(sa.Column("waits_for", sa.String(255), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("waits_on", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("waits_since", outreach.db.UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("workers") as batch_op:
        batch_op.alter_column("waits_for", server_default=None, existing_type=sa.String(255))
        batch_op.alter_column("waits_on", server_default=None, existing_type=sa.Integer())


def downgrade() -> None:
    with op.batch_alter_table("workers") as batch_op:
        for name in ("waits_since", "waits_on", "waits_for"):
            batch_op.drop_column(name)
