"""People are told by mail what happened to added reminders, too"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

TWO = "(campaign_transition_id IS NULL) <> (wave_transition_id IS NULL)"
THREE = (
    "CASE WHEN campaign_transition_id IS NULL THEN 0 ELSE 1 END + CASE WHEN wave_transition_id IS NULL THEN 0 ELSE 1 END"
    " + CASE WHEN reminder_transition_id IS NULL THEN 0 ELSE 1 END = 1"
)


def upgrade() -> None:
    with op.batch_alter_table("staff_notices") as batch_op:
        batch_op.add_column(sa.Column("reminder_transition_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_staff_notices_reminder_transition_id_added_reminder_transitions"),
            "added_reminder_transitions",
            ["reminder_transition_id"],
            ["id"],
        )
        batch_op.create_unique_constraint(
            op.f("uq_staff_notices_user_id_reminder_transition_id"), ["user_id", "reminder_transition_id"]
        )
        batch_op.create_index(op.f("ix_staff_notices_reminder_transition_id"), ["reminder_transition_id"])
        batch_op.drop_constraint(op.f("ck_staff_notices_about"), type_="check")
        batch_op.create_check_constraint(op.f("ck_staff_notices_about"), THREE)


def downgrade() -> None:
    op.execute("DELETE FROM staff_notices WHERE reminder_transition_id IS NOT NULL")
    with op.batch_alter_table("staff_notices") as batch_op:
        batch_op.drop_constraint(op.f("ck_staff_notices_about"), type_="check")
        batch_op.create_check_constraint(op.f("ck_staff_notices_about"), TWO)
        batch_op.drop_index(op.f("ix_staff_notices_reminder_transition_id"))
        batch_op.drop_constraint(op.f("uq_staff_notices_user_id_reminder_transition_id"), type_="unique")
        batch_op.drop_constraint(
            op.f("fk_staff_notices_reminder_transition_id_added_reminder_transitions"), type_="foreignkey"
        )
        batch_op.drop_column("reminder_transition_id")
