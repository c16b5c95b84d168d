"""Letters that are left out because another campaign's draw keeps their authority for its departure"""

from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

REASONS = (
    *("reported", "joined", "not_concerned", "answered", "written", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "solicited", "trial", "cancelled", "left_out"),
)


def upgrade() -> None:
    allow("messages", "reason", "withdrawal_reason", *REASONS, "drawn")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'solicited' WHERE reason = 'drawn'")
    allow("messages", "reason", "withdrawal_reason", *REASONS)
