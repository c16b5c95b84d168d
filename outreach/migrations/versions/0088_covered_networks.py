"""Until which day a list has all joinings, and of which networks"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, to

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "covered_networks",
        to("list_id", "joining_lists", ondelete="CASCADE", primary_key=True),
        to("network_id", "networks", primary_key=True),
        column("complete_until", sa.Date()),
    )


def downgrade() -> None:
    op.drop_table("covered_networks")
