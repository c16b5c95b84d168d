"""A wave says which reminder it is, since its number also counts waves that were called off"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    with op.batch_alter_table("waves") as batch_op:
        batch_op.add_column(sa.Column("reminder", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        "UPDATE waves SET reminder = (SELECT count(*) FROM waves AS earlier WHERE earlier.campaign_id = waves.campaign_id"
        " AND earlier.number < waves.number"
        " AND (earlier.mailing_id IS NOT NULL OR earlier.state IN ('planned', 'running', 'paused')))"
    )
    with op.batch_alter_table("waves") as batch_op:
        batch_op.alter_column("reminder", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("waves") as batch_op:
        batch_op.drop_column("reminder")
