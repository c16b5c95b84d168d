"""Second factors of accounts and their recovery codes; a session says whether it began with one"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    op.create_table(
        "second_factors",
        to("user_id", "users", named="fk_second_factors_user_id_users", ondelete="CASCADE", primary_key=True),
        column("sealed", sa.String(255)),
        moment("set_up_at"),
        column("counter", sa.Integer()),
    )
    op.create_table(
        "recovery_codes",
        key(),
        to("user_id", "users", named="fk_recovery_codes_user_id_users", ondelete="CASCADE"),
        column("digest", sa.LargeBinary(32)),
        moment("made_at"),
        moment("used_at", nullable=True),
        sa.UniqueConstraint("user_id", "digest"),
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
