"""The statements on data protection and accessibility are written in dated versions, which are only added"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    kinds = ("data-protection", "accessibility")
    op.create_table(
        "public_statements",
        key(),
        one_of("kind", "statement_kind", *kinds),
        column("content", sa.Text()),
        column("dated_on", sa.Date()),
        moment("written_at"),
        column("written_by", sa.String(255)),
    )
    op.create_index("ix_public_statements_kind_id", "public_statements", ["kind", "id"])
    append_only.guard("public_statements")


def downgrade() -> None:
    append_only.unguard("public_statements")
    op.drop_index("ix_public_statements_kind_id", table_name="public_statements")
    op.drop_table("public_statements")
