"""Clicks that wait to be compared with the others of their letter are found by an index of their own"""

from alembic import op
from sqlalchemy import text

from outreach.migrations.kinds import Kind

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None
kind = Kind.BREAKING
WAITS = text("version = 0")


def upgrade() -> None:
    op.create_index("ix_hits_unjudged", "hits", ["id"], sqlite_where=WAITS, postgresql_where=WAITS)


def downgrade() -> None:
    op.execute("UPDATE hits SET version = 1 WHERE version = 0")  # the version before knows no other
    op.drop_index("ix_hits_unjudged", "hits")
