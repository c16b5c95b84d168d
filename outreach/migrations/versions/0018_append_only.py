"""Transitions, changes of gates and audit entries are only added to, whichever way a row would be changed"""

from alembic import op

from outreach.migrations import append_only

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = ("audit_entries", "campaign_transitions", "gate_changes", "wave_transitions")
REFUSAL = "audit entries are never changed"  # of revision 0001, where only the audit was guarded


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    append_only.unguard("audit_entries")
    if is_postgresql:
        op.execute("DROP FUNCTION refuse_audit_change")
    append_only.create_function()
    for table in TABLES:
        append_only.guard(table)


def downgrade() -> None:
    for table in TABLES:
        append_only.unguard(table)
    append_only.drop_function()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_entries_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entries_{event.lower()} BEFORE {event} ON audit_entries "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
