"""An approver who is away names another one, who is told meanwhile"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

AT = outreach.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "deputies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("absent", sa.String(length=255), nullable=False),
        sa.Column("deputy", sa.String(length=255), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("named_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputies")),
    )
    op.create_index(op.f("ix_deputies_absent"), "deputies", ["absent"])
    op.create_index(op.f("ix_deputies_deputy"), "deputies", ["deputy"])


def downgrade() -> None:
    op.drop_table("deputies")
