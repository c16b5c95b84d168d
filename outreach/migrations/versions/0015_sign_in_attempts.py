"""Failed sign-ins are rows, so that their counts hold for several processes"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "sign_in_attempts",
        key(),
        column("name", sa.LargeBinary(16)),
        moment("at", index=True),
    )
    op.create_index("ix_sign_in_attempts_name_at", "sign_in_attempts", ["name", "at"])


def downgrade() -> None:
    op.drop_table("sign_in_attempts")
