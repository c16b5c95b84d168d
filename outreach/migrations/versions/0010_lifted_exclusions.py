"""Why an exclusion was lifted"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("suppressions", sa.Column("lifted_because", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("suppressions", "lifted_because")
