"""Second factors of accounts and their recovery codes; a session says whether it began with one"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.String(length=255), nullable=False),
        sa.Column("set_up_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("counter", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("used_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("user_id", "digest", name=op.f("uq_recovery_codes_user_id_digest")),
    )
    has_none = sa.Column("has_factor", sa.Boolean(), nullable=False, server_default=sa.false())
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.add_column(has_none)
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.alter_column("has_factor", server_default=None, existing_type=sa.Boolean())


def downgrade() -> None:
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.drop_column("has_factor")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
