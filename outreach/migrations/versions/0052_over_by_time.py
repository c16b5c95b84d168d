"""What is kept for a time is found by an index on the moment that the time counts from"""

from alembic import op

from outreach.migrations.kinds import Kind

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

MOMENTS = (
    ("answer_lists", "received_at"),
    ("contact_lists", "received_at"),
    ("contact_lists", "applied_at"),
    ("password_requests", "at"),
    ("register_uploads", "received_at"),
    ("staff_notices", "settled_at"),
)


def upgrade() -> None:
    for table, column in MOMENTS:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in MOMENTS:
        op.drop_index(f"ix_{table}_{column}", table)
