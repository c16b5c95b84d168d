"""The code of the federation or network that an account is of"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.add_column("users", column("scope_code", sa.String(60), server_default=""))


def downgrade() -> None:
    op.drop_column("users", "scope_code")
