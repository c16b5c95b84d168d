"""Responses have a day to come back to them, and letters that answer them; prepared texts have versions"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

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
    for table, key in KEYS.items():
        append_only.guard(table, (key,))


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
    use = sa.Enum(*USES, name="use", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "prepared_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("use", use, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("written_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepared_texts")),
    )
    op.create_index("ix_prepared_texts_use_id", "prepared_texts", ["use", "id"])
    op.create_table(
        "text_approvals",
        sa.Column("text_id", sa.Integer(), nullable=False),
        sa.Column("approved_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["text_id"], ["prepared_texts.id"], name=op.f("fk_text_approvals_text_id_prepared_texts")
        ),
        sa.PrimaryKeyConstraint("text_id", name=op.f("pk_text_approvals")),
    )
    op.create_table(
        "service_replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("response_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("text_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["responses.id"], name=op.f("fk_service_replies_response_id_responses")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_service_replies_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["text_id"], ["prepared_texts.id"], name=op.f("fk_service_replies_text_id_prepared_texts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_replies")),
        sa.UniqueConstraint("message_id", name=op.f("uq_service_replies_message_id")),
        sa.UniqueConstraint("key", name=op.f("uq_service_replies_key")),
    )
    op.create_index(op.f("ix_service_replies_response_id"), "service_replies", ["response_id"])
    op.create_index(op.f("ix_service_replies_sent_by"), "service_replies", ["sent_by"])


def _allow_purposes(*purposes: str) -> None:
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_constraint(op.f("ck_mailings_purpose"), type_="check")
        batch_op.create_check_constraint(op.f("ck_mailings_purpose"), _among("purpose", *purposes))


def _among(column: str, *values: str) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
