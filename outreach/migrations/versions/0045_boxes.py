"""A campaign writes to the mailbox of the authority, to those of its schools, or to both

Campaigns that exist wrote to every mailbox in use, and go on doing so.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

BOXES = sa.String(length=40)
AMONG = "boxes IN ('authority', 'schools', 'both')"


def upgrade() -> None:
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(sa.Column("boxes", BOXES, nullable=False, server_default="both"))
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.alter_column("boxes", server_default=None, existing_type=BOXES)
        batch_op.create_check_constraint(op.f("ck_campaigns_boxes"), AMONG)
    op.add_column("campaign_transitions", sa.Column("addresses", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaign_transitions", "addresses")
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_constraint(op.f("ck_campaigns_boxes"), type_="check")
        batch_op.drop_column("boxes")
