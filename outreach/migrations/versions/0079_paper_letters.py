"""Letters on paper, in batches, each for a step of the ladder, with the digest of its code"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "paper_batches",
        key(),
        to("campaign_id", "campaigns", index=True),
        to("mailing_id", "mailings", index=True),
        moment("made_at"),
        column("made_by", sa.String(255)),
        column("letters", sa.Integer()),
        column("has_sheet", sa.Boolean()),
    )
    op.create_table(
        "paper_letters",
        key(),
        to("batch_id", "paper_batches", index=True),
        to("step_id", "reach_steps", index=True),
        column("place", sa.Integer()),
        column("code_digest", sa.LargeBinary(16), nullable=True, unique=True),
        column("recipient", sa.String(200)),
        column("street", sa.String(200)),
        column("house_number", sa.String(20)),
        column("box", sa.String(20)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        column("school_keys", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("paper_letters")
    op.drop_table("paper_batches")
