"""What a person says that the columns of a file mean is remembered for files with the same header"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "column_matchings",
        key(),
        column("kind", sa.String(40)),
        column("header", sa.String(64)),
        column("fields", sa.Text()),
        moment("matched_at", index=True),
        column("matched_by", sa.String(255)),
    )
    op.create_index("ix_column_matchings_kind_header", "column_matchings", ["kind", "header"])


def downgrade() -> None:
    op.drop_table("column_matchings")
