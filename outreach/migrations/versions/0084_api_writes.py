"""What programs wrote within a day"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "api_writes",
        key(),
        to("key_id", "api_keys"),
        column("name", sa.String(255)),
        column("body", sa.String(64)),
        column("answer", sa.Text()),
        moment("at"),
        sa.UniqueConstraint("key_id", "name"),
        sa.Index("ix_api_writes_at", "at"),
    )


def downgrade() -> None:
    op.drop_table("api_writes")
