"""Sessions of staff are rows, kept for 12 hours and deleted as they end; some passwords have to be changed"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("began_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("browser", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_began_at", "sessions", ["began_at"])
    has_none = sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false())
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(has_none)
    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("must_change_password", server_default=None, existing_type=sa.Boolean())


def downgrade() -> None:
    op.drop_table("sessions")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("must_change_password")
