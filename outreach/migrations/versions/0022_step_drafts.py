"""A person's drafts of a campaign's steps, kept for 30 days, then deleted by the clock"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    step = sa.Enum("audience", "letter", "dates", name="step", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "step_drafts",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("step", step, nullable=False),
        sa.Column("typed_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("fk_step_drafts_campaign_id_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_step_drafts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "user_id", "step", name=op.f("pk_step_drafts")),
    )
    op.create_index("ix_step_drafts_typed_at", "step_drafts", ["typed_at"])


def downgrade() -> None:
    op.drop_table("step_drafts")
