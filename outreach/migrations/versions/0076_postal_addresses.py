"""Postal addresses that people correct, and mail that came back from one"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, where

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

KINDS = ("authority", "school", "site")


def upgrade() -> None:
    op.create_table(
        "postal_corrections",
        key(),
        one_of("kind", "kind", *KINDS),
        column("fase", sa.Integer()),
        column("register_address", sa.String(400)),
        column("street", sa.String(200)),
        column("house_number", sa.String(20)),
        column("box", sa.String(20)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        moment("corrected_at"),
        column("corrected_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        sa.Index("uq_postal_corrections_in_force", "kind", "fase", unique=True, **where("withdrawn_at IS NULL")),
    )
    op.create_table(
        "postal_returns",
        key(),
        one_of("kind", "kind", *KINDS),
        column("fase", sa.Integer()),
        column("returned_address", sa.String(400)),
        column("returned_on", sa.Date()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        sa.Index("ix_postal_returns_kind_fase", "kind", "fase"),
    )


def downgrade() -> None:
    op.drop_table("postal_returns")
    op.drop_table("postal_corrections")
