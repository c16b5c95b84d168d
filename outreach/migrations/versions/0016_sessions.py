"""Sessions of staff are rows, kept for 12 hours and deleted as they end; some passwords have to be changed"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    op.create_table(
        "sessions",
        key(),
        column("digest", sa.LargeBinary(32), unique=True),
        to("user_id", "users", ondelete="CASCADE", index=True),
        moment("began_at", index=True),
        column("browser", sa.String(60)),
    )
    has_none = sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false())
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(has_none)
    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("must_change_password", server_default=None, existing_type=sa.Boolean())


def downgrade() -> None:
    op.drop_table("sessions")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("must_change_password")
