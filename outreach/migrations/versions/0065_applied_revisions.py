"""The database says of each revision that is applied to it whether programs of the version before go on"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, one_of

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "applied_revisions",
        column("revision", sa.String(32), primary_key=True),
        one_of("kind", "revision_kind", "additive", "breaking"),
    )


def downgrade() -> None:
    op.drop_table("applied_revisions")
