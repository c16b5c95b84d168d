"""An approval of an added reminder says how many letters it counted; earlier ones did not count them"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.add_column("added_reminder_transitions", sa.Column("addresses", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("added_reminder_transitions", "addresses")
