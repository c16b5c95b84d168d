"""Indexes that a letter leaves once it has left: each of its states was written into five of them"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_messages_batch_id_state_due_at", "messages")
    op.drop_index("ix_messages_address_key_state", "messages")
    op.drop_index("ix_messages_fence_id", "messages")
    op.create_index("ix_messages_queued", "messages", ["batch_id", "due_at"], **_where("queued"))
    op.create_index("ix_messages_in_doubt", "messages", ["fence_id"], **_where("in_doubt"))
    op.create_index("ix_messages_refused", "messages", ["address_key"], **_where("refused"))


def downgrade() -> None:
    for name in ("queued", "in_doubt", "refused"):
        op.drop_index(f"ix_messages_{name}", "messages")
    op.create_index("ix_messages_fence_id", "messages", ["fence_id"])
    op.create_index("ix_messages_address_key_state", "messages", ["address_key", "state"])
    op.create_index("ix_messages_batch_id_state_due_at", "messages", ["batch_id", "state", "due_at"])


def _where(state: str) -> dict[str, sa.TextClause]:
    condition = sa.text(f"state = '{state}'")
    return {"sqlite_where": condition, "postgresql_where": condition}
