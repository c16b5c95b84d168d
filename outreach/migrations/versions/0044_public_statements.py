"""The statements on data protection and accessibility are written in dated versions, which are only added"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kinds = ("data-protection", "accessibility")
    kind = sa.Enum(*kinds, name="statement_kind", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "public_statements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("written_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_statements")),
    )
    op.create_index("ix_public_statements_kind_id", "public_statements", ["kind", "id"])
    append_only.guard("public_statements")


def downgrade() -> None:
    append_only.unguard("public_statements")
    op.drop_index("ix_public_statements_kind_id", table_name="public_statements")
    op.drop_table("public_statements")
