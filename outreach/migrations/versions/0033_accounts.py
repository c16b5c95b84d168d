"""Accounts know their acceptance and last sign-in, and a response can be released by who followed it"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0033"
down_revision = "0029"
branch_labels = None
depends_on = None

STEPS = ("taken", "handled", "reopened", "postponed", "replied")


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        for name in ("accepted_at", "last_sign_in_at"):
            batch_op.add_column(sa.Column(name, outreach.db.UtcDateTime(timezone=True), nullable=True))
    op.execute("UPDATE users SET accepted_at = created_at")
    _allow_steps(*STEPS, "released")


def downgrade() -> None:
    append_only.unguard("response_steps")
    op.execute("DELETE FROM response_steps WHERE step = 'released'")
    _allow_steps(*STEPS)
    with op.batch_alter_table("users") as batch_op:
        for name in ("last_sign_in_at", "accepted_at"):
            batch_op.drop_column(name)


def _allow_steps(*steps: str) -> None:
    listed = ", ".join(f"'{step}'" for step in steps)
    append_only.unguard("response_steps")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), f"step IN ({listed})")
    append_only.guard("response_steps")
