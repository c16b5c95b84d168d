"""A campaign may count clicks alone, without a picture that counts openings"""

from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None
kind = Kind.BREAKING



def upgrade() -> None:
    allow("campaigns", "tracking", "tracking_mode", "none", "clicks", "aggregate", "individual")


def downgrade() -> None:
    op.execute("UPDATE campaigns SET tracking = 'none' WHERE tracking = 'clicks'")
    allow("campaigns", "tracking", "tracking_mode", "none", "aggregate", "individual")
