"""Sheets of answers have the columns of every list that is sent"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.kinds import Kind

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

PERSON = sa.String(length=255)
FILLED = {"sha256": sa.String(length=64), "outcome": sa.Text(), "received_by": PERSON, "state": sa.String(length=40)}
LATER = {"applied_by": PERSON, "undone_at": outreach.db.UtcDateTime(timezone=True), "undone_by": PERSON}
STATE = "ck_answer_lists_list_state"


def upgrade() -> None:
    with op.batch_alter_table("answer_lists") as batch_op:
        for name, kind in FILLED.items():
            default = "received" if name == "state" else ""
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=default))
        for name, kind in LATER.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
    sender = "(SELECT address FROM messages WHERE messages.id = message_id)"
    op.execute(f"UPDATE answer_lists SET received_by = {sender}")
    op.execute(f"UPDATE answer_lists SET state = 'applied', applied_by = {sender} WHERE applied_at IS NOT NULL")
    with op.batch_alter_table("answer_lists") as batch_op:
        for name, kind in FILLED.items():
            batch_op.alter_column(name, existing_type=kind, server_default=None)
        batch_op.create_check_constraint(op.f(STATE), "state IN ('received', 'applied', 'undone')")


def downgrade() -> None:
    with op.batch_alter_table("answer_lists") as batch_op:
        batch_op.drop_constraint(op.f(STATE), type_="check")
        for name in (*FILLED, *LATER):
            batch_op.drop_column(name)
