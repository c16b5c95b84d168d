"""A reason of those whom a campaign that was cancelled and taken up again leaves out: their letter has left already"""

from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

REASONS = (
    *("joined", "not_concerned", "answered", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "trial", "cancelled"),
)


def upgrade() -> None:
    allow("messages", "reason", "withdrawal_reason", *REASONS, "written")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason = 'written'")
    allow("messages", "reason", "withdrawal_reason", *REASONS)
