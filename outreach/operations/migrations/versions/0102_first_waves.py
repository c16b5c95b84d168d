"""A campaign says with which wave it was launched, as a scope does not see a wave that wrote to no member"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before would launch campaigns without their first wave


def upgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(sa.Column("first_wave_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE campaigns SET first_wave_id = (SELECT w.id FROM waves w WHERE w.campaign_id = campaigns.id"
        " AND w.mailing_id IS NOT NULL ORDER BY w.number LIMIT 1)"
    )


def downgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("first_wave_id")
