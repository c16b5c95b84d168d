"""Services that send joinings, what they sent, and the rows of it that staff judge"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "hook_senders",
        key(),
        column("name", sa.String(40), unique=True),
        column("public_key", sa.LargeBinary(32), nullable=True),
        column("salt", sa.String(64)),
        column("networks", sa.String(200)),
        moment("made_at"),
        column("made_by", sa.String(255)),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )
    op.create_table(
        "hook_deliveries",
        key(),
        to("sender_id", "hook_senders"),
        column("webhook_id", sa.String(255)),
        moment("received_at"),
        column("body", sa.Text()),
        column("rows", sa.Integer()),
        column("complete_until", sa.Date(), nullable=True),
        one_of("state", "delivery_state", "waiting", "applied"),
        moment("applied_at", nullable=True),
        to("list_id", "joining_lists", nullable=True, index=True),
        sa.UniqueConstraint("sender_id", "webhook_id"),
        sa.Index("ix_hook_deliveries_state_id", "state", "id"),
    )
    op.create_table(
        "hook_rows",
        key(),
        to("delivery_id", "hook_deliveries", index=True),
        column("content", sa.Text()),
        column("fault", sa.Text()),
        one_of("judgement", "judgement", "retried", "dropped", nullable=True),
        moment("judged_at", nullable=True),
        column("judged_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(judged_at IS NULL) = (judgement IS NULL)", name="judged"),
    )


def downgrade() -> None:
    op.drop_table("hook_rows")
    op.drop_table("hook_deliveries")
    op.drop_table("hook_senders")
