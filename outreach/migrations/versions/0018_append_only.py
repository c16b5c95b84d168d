"""Transitions, changes of gates and audit entries are only added to, whichever way a row would be changed"""

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

TABLES = ("audit_entries", "campaign_transitions", "gate_changes", "wave_transitions")


def upgrade() -> None:
    append_only.unguard_audit_alone()
    append_only.create_function()
    for table in TABLES:
        append_only.guard(table)


def downgrade() -> None:
    for table in TABLES:
        append_only.unguard(table)
    append_only.drop_function()
    append_only.guard_audit_alone()
