"""What a person says that the columns of a file mean is remembered for files with the same header"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "column_matchings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("header", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("matched_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("matched_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_matchings")),
    )
    op.create_index("ix_column_matchings_kind_header", "column_matchings", ["kind", "header"])
    op.create_index("ix_column_matchings_matched_at", "column_matchings", ["matched_at"])


def downgrade() -> None:
    op.drop_table("column_matchings")
