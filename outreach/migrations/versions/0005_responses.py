"""Responses, and the reasons of those a reminder leaves out"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ANSWERS = (
    "joined", "in_preparation", "tender_launched", "informed", "declined", "not_concerned", "help", "wrong_contact",
)  # fmt: skip
REASONS = ("joined", "not_concerned", "no_address", "bounced", "unreviewed", "suppressed", "trial", "cancelled")
NEW_REASONS = ("answered", "outside")


def _allow(reasons: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_withdrawal_reason"), type_="check")
        batch_op.create_check_constraint(op.f("ck_messages_withdrawal_reason"), f"reason IN ({listed})")


def upgrade() -> None:
    answer = sa.Enum(*ANSWERS, name="answer", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "responses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("strand_id", sa.Integer(), nullable=False),
        sa.Column("answer", answer, nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("proposed_address", sa.String(length=320), nullable=False),
        sa.Column("given_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("owned_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("handled_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("handled_by", sa.String(length=255), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint("(handled_at IS NULL) = (handled_by IS NULL)", name=op.f("ck_responses_handled")),
        sa.ForeignKeyConstraint(["authority_id"], ["authorities.id"], name=op.f("fk_responses_authority_id_authorities")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_responses_message_id_messages")),
        sa.ForeignKeyConstraint(["strand_id"], ["strands.id"], name=op.f("fk_responses_strand_id_strands")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responses")),
    )
    waiting = sa.text("handled_at IS NULL")
    op.create_index(
        "ix_responses_waiting", "responses", ["answer", "given_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_responses_authority_id_strand_id", "responses", ["authority_id", "strand_id"])
    op.create_index(op.f("ix_responses_message_id"), "responses", ["message_id"])
    op.create_index(op.f("ix_responses_strand_id"), "responses", ["strand_id"])
    op.create_table(
        "response_schools",
        sa.Column("response_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["responses.id"], name=op.f("fk_response_schools_response_id_responses")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_response_schools_school_id_schools")),
        sa.PrimaryKeyConstraint("response_id", "school_id", name=op.f("pk_response_schools")),
    )
    op.create_index(op.f("ix_response_schools_school_id"), "response_schools", ["school_id"])
    _allow((*REASONS, *NEW_REASONS))


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason IN ('answered', 'outside')")
    _allow(REASONS)
    op.drop_table("response_schools")
    op.drop_table("responses")
