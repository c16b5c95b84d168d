"""Rehearsals of campaigns: what was played, on which content and audience, and what came out"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "campaign_rehearsals",
        key(),
        to("campaign_id", "campaigns", index=True),
        column("content_digest", sa.String(64)),
        column("audience_digest", sa.String(64)),
        column("outcome", sa.Text()),
        moment("at", index=True),
        column("played_by", sa.String(255)),
    )


def downgrade() -> None:
    op.drop_table("campaign_rehearsals")
