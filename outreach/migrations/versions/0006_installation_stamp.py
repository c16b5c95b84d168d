"""The last pass of an installation's clock that nothing hindered"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("installations") as table:
        table.add_column(sa.Column("passed_at", outreach.db.UtcDateTime(timezone=True), nullable=True))
    # Without it, every installation in service would be taken for a restored backup.
    op.execute("UPDATE installations SET passed_at = (SELECT at FROM clock_passes)")


def downgrade() -> None:
    with op.batch_alter_table("installations") as table:
        table.drop_column("passed_at")
