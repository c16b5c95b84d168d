"""Responses have a day to come back to them"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only

revision = "0033"
down_revision = "0025"
branch_labels = None
depends_on = None

STEPS = ("taken", "handled", "reopened")
KEY = ("id",)


def upgrade() -> None:
    append_only.unguard("response_steps")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.add_column(sa.Column("day", sa.Date(), nullable=True))
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), _among(*STEPS, "postponed"))
        batch_op.create_check_constraint(op.f("ck_response_steps_day"), "day IS NULL OR step = 'postponed'")
    append_only.guard("response_steps", KEY)


def downgrade() -> None:
    append_only.unguard("response_steps")
    op.execute("DELETE FROM response_steps WHERE step = 'postponed'")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.drop_constraint(op.f("ck_response_steps_day"), type_="check")
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), _among(*STEPS))
        batch_op.drop_column("day")
    append_only.guard("response_steps", KEY)


def _among(*steps: str) -> str:
    return f"step IN ({', '.join(repr(step) for step in steps)})"
