"""A person's drafts of a campaign's steps, kept for 30 days, then deleted by the clock"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, one_of, to

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "step_drafts",
        to(
            "campaign_id", "campaigns", named="fk_step_drafts_campaign_id_campaigns", ondelete="CASCADE",
            primary_key=True,
        ),
        to("user_id", "users", named="fk_step_drafts_user_id_users", ondelete="CASCADE", primary_key=True),
        one_of("step", "step", "audience", "letter", "dates", primary_key=True),
        moment("typed_at", index=True),
        column("fields", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("step_drafts")
