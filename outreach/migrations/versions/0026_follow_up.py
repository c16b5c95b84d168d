"""Responses have a day to come back to them, and letters that answer them; prepared texts have versions"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

STEPS = ("taken", "handled", "reopened")
PURPOSES = ("campaign", "test", "confirmation", "staff")
USES = ("help", "address", "noted", "joined")
KEYS = {"prepared_texts": "id", "text_approvals": "text_id", "service_replies": "id"}


def upgrade() -> None:
    append_only.unguard("response_steps")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.add_column(sa.Column("day", sa.Date(), nullable=True))
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), _among("step", *STEPS, "postponed", "replied"))
        batch_op.create_check_constraint(op.f("ck_response_steps_day"), "day IS NULL OR step = 'postponed'")
    append_only.guard("response_steps")
    _allow_purposes(*PURPOSES, "reply")
    _create_tables()
    for table, name in KEYS.items():
        append_only.guard(table, (name,))


def downgrade() -> None:
    for table in reversed(KEYS):
        append_only.unguard(table)
        op.drop_table(table)
    # The older schema knows no replies; the nearest purpose that is in no count is that of confirmations.
    op.execute("UPDATE mailings SET purpose = 'confirmation' WHERE purpose = 'reply'")
    _allow_purposes(*PURPOSES)
    append_only.unguard("response_steps")
    op.execute("DELETE FROM response_steps WHERE step IN ('postponed', 'replied')")
    with op.batch_alter_table("response_steps") as batch_op:
        batch_op.drop_constraint(op.f("ck_response_steps_day"), type_="check")
        batch_op.drop_constraint(op.f("ck_response_steps_step"), type_="check")
        batch_op.create_check_constraint(op.f("ck_response_steps_step"), _among("step", *STEPS))
        batch_op.drop_column("day")
    append_only.guard("response_steps")


def _create_tables() -> None:
    op.create_table(
        "prepared_texts",
        key(),
        one_of("use", "use", *USES),
        column("text", sa.Text()),
        moment("written_at"),
        column("written_by", sa.String(255)),
    )
    op.create_index("ix_prepared_texts_use_id", "prepared_texts", ["use", "id"])
    op.create_table(
        "text_approvals",
        to("text_id", "prepared_texts", named="fk_text_approvals_text_id_prepared_texts", primary_key=True),
        moment("approved_at"),
        column("approved_by", sa.String(255)),
    )
    op.create_table(
        "service_replies",
        key(),
        to("response_id", "responses", named="fk_service_replies_response_id_responses", index=True),
        to("message_id", "messages", named="fk_service_replies_message_id_messages", unique=True),
        to("text_id", "prepared_texts", named="fk_service_replies_text_id_prepared_texts", nullable=True),
        column("key", sa.String(32), unique=True),
        column("subject", sa.Text()),
        column("text", sa.Text()),
        moment("sent_at"),
        column("sent_by", sa.String(255), index=True),
    )


def _allow_purposes(*purposes: str) -> None:
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_constraint(op.f("ck_mailings_purpose"), type_="check")
        batch_op.create_check_constraint(op.f("ck_mailings_purpose"), _among("purpose", *purposes))


def _among(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
