"""Keys of programs"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of

revision = "0082"
down_revision = "0081"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "api_keys",
        key(),
        column("digest", sa.LargeBinary(32), unique=True),
        column("name", sa.String(80)),
        one_of("role", "key_role", "reader", "federation", "network"),
        column("scope", sa.String(60), nullable=True),
        moment("made_at"),
        column("made_by", sa.String(255)),
        moment("expires_at"),
        moment("last_used_at", nullable=True),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(scope IS NULL) = (role = 'reader')", name="scope"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
