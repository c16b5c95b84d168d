"""The trail of what staff saw and tried is rows, kept for 12 months, then deleted by the clock"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KINDS = (
    "signed_in",
    "sign_in_failed",
    "sign_in_slowed",
    "password_wrong",
    "signed_out",
    "refused",
    "exported",
    "letter_opened",
)


def upgrade() -> None:
    kind = sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "trail_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trail_entries")),
    )
    op.create_index("ix_trail_entries_at", "trail_entries", ["at"])


def downgrade() -> None:
    op.drop_table("trail_entries")
