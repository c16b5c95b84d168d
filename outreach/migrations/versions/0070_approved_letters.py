"""What a campaign's letter said when it was approved"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "approved_letters",
        column("campaign_id", sa.Integer()),
        column("digest", sa.String(64)),
        column("subject", sa.Text()),
        column("preheader", sa.Text()),
        column("letter", sa.Text()),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_approved_letters_campaign_id_campaigns")),
        sa.PrimaryKeyConstraint("campaign_id", "digest", name=op.f("pk_approved_letters")),
    )


def downgrade() -> None:
    op.drop_table("approved_letters")
