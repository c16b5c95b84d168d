"""Whether places or money of a campaign are given first come, first served: asked where its departures are drawn"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.add_column("campaigns", column("first_come", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("campaigns", "first_come")
