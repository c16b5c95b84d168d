"""Periods that an administrator changes, what retention may empty in guarded tables, and what it finds rows by

`mailings.emptied_at` says since when the letters of a mailing have no text.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

MOMENTS = (
    ("alert_episodes", "ended_at"),
    ("audit_entries", "at"),
    ("contacts", "retired_at"),
    ("mailings", "filled_at"),
    ("responses", "given_at"),
    ("service_replies", "sent_at"),
    ("workers", "seen_at"),
)
SAME = "NEW.{0} IS NOT DISTINCT FROM OLD.{0}"
EMPTIED, CHANGED = "NEW.{0} IN ('', OLD.{0})", "NEW.{0} <> OLD.{0}"
# By table: the columns that may be emptied, and those that stay as they are.
EMPTIED_IN = {
    "responses": (
        ("comment", "proposed_address"),
        ("id", "message_id", "authority_id", "strand_id", "answer", "given_at"),
    ),
    "response_steps": (("actor", "note"), ("id", "response_id", "step", "at", "day")),
    "service_replies": (
        ("subject", "text"),
        ("id", "response_id", "message_id", "text_id", "key", "sent_at", "sent_by"),
    ),
}


def upgrade() -> None:
    op.create_table(
        "retention_changes",
        key(),
        column("rule", sa.String(40)),
        column("period", sa.String(20)),
        moment("changed_at"),
        column("changed_by", sa.String(255)),
    )
    append_only.guard("retention_changes")
    op.add_column("mailings", moment("emptied_at", nullable=True))
    for table, name in MOMENTS:
        op.create_index(f"ix_{table}_{name}", table, [name])
    for table, (emptied, same) in EMPTIED_IN.items():
        append_only.unguard(table)
        is_changed = f"({' OR '.join(map(CHANGED.format, emptied))})"
        rules = (is_changed, *map(EMPTIED.format, emptied), *map(SAME.format, same))
        append_only.guard_but(table, " AND ".join(rules))


def downgrade() -> None:
    for table in EMPTIED_IN:
        append_only.unguard(table)
        append_only.guard(table)
    for table, name in MOMENTS:
        op.drop_index(f"ix_{table}_{name}", table)
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_column("emptied_at")
    append_only.unguard("retention_changes")
    op.drop_table("retention_changes")
