"""An approver who is away names another one, who is told meanwhile"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE



def upgrade() -> None:
    op.create_table(
        "deputies",
        key(),
        column("absent", sa.String(255), index=True),
        column("deputy", sa.String(255), index=True),
        column("first_on", sa.Date()),
        column("last_on", sa.Date()),
        moment("named_at"),
        moment("ended_at", nullable=True),
    )


def downgrade() -> None:
    op.drop_table("deputies")
