"""Calls: what was said with an authority outside the product"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Enum("phone", "meeting", "written", name="call_kind", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_calls_withdrawn")),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"], name=op.f("fk_calls_authority_id_authorities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_authority_id"), "calls", ["authority_id"])


def downgrade() -> None:
    op.drop_table("calls")
