"""The audience of a wave is staged before its letters are written"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    with op.batch_alter_table("waves") as batch_op:
        batch_op.add_column(moment("ranked_at", nullable=True))
        batch_op.add_column(column("is_staged", sa.Boolean(), server_default=sa.false()))
    with op.batch_alter_table("waves") as batch_op:
        batch_op.alter_column("is_staged", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "staged_authorities",
        sa.Column("wave_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("authority_id", sa.Integer(), nullable=False, autoincrement=False),
        column("letters", sa.Integer()),
        column("of_schools", sa.Integer()),
        sa.ForeignKeyConstraint(["wave_id"], ["waves.id"], name=op.f("fk_staged_authorities_wave_id_waves")),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["authorities.id"], name=op.f("fk_staged_authorities_authority_id_authorities")
        ),
        sa.PrimaryKeyConstraint("wave_id", "authority_id", name=op.f("pk_staged_authorities")),
    )
    op.create_index("ix_staged_authorities_authority_id", "staged_authorities", ["authority_id"])


def downgrade() -> None:
    op.drop_table("staged_authorities")
    with op.batch_alter_table("waves") as batch_op:
        batch_op.drop_column("is_staged")
        batch_op.drop_column("ranked_at")
