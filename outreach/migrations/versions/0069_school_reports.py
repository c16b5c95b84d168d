"""Schools that are reported as gone from their authority, or closed, and letters withdrawn because of it"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, one_of, to, where

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

REASONS = (
    *("joined", "not_concerned", "answered", "written", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "solicited", "trial", "cancelled"),
)


def upgrade() -> None:
    op.create_table(
        "school_reports",
        key(),
        to("school_id", "schools"),
        to("authority_id", "authorities"),
        one_of("fate", "fate", "gone", "closed"),
        column("since", sa.Date()),
        column("source", sa.String(200)),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    for name in ("school_id", "authority_id"):
        op.create_index(f"ix_school_reports_{name}", "school_reports", [name])
    columns, stands = ["school_id", "authority_id"], where("withdrawn_at IS NULL")
    op.create_index("uq_school_reports_standing", "school_reports", columns, unique=True, **stands)
    allow("messages", "reason", "withdrawal_reason", *REASONS, "reported")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'not_concerned' WHERE reason = 'reported'")
    allow("messages", "reason", "withdrawal_reason", *REASONS)
    op.drop_table("school_reports")
