"""Authorities that exceptions leave out of a campaign, and letters withdrawn because of one"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, to

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

# What an erasure may do to a decision, as before: its words go, and nothing else changes.
WORDS, STAYS = ("title", "actor", "reason"), ("id", "subject", "kind", "digest", "authorities", "letters", "at")
REASONS = (
    *("reported", "joined", "not_concerned", "answered", "written", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "solicited", "trial", "cancelled"),
)


def upgrade() -> None:
    op.create_table(
        "audience_exceptions",
        key(),
        to("campaign_id", "campaigns", index=True),
        moment("at"),
        column("actor", sa.String(255)),
        column("reason", sa.Text()),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "excepted_authorities",
        to("exception_id", "audience_exceptions", primary_key=True),
        to("authority_id", "authorities", primary_key=True, index=True),
        column("letters", sa.Integer()),
    )
    allow("messages", "reason", "withdrawal_reason", *REASONS, "left_out")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason = 'left_out'")
    allow("messages", "reason", "withdrawal_reason", *REASONS)
    append_only.unguard("decisions")
    op.execute(
        "DELETE FROM staff_notices WHERE decision_id IN (SELECT id FROM decisions WHERE subject LIKE 'exception:%')"
    )
    op.execute("DELETE FROM decisions WHERE subject LIKE 'exception:%'")
    append_only.guard_words("decisions", WORDS, STAYS)
    op.drop_table("excepted_authorities")
    op.drop_table("audience_exceptions")
