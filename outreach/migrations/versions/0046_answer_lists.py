"""Lists of answers that somebody sends from the page of a letter"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("received_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("applied_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_answer_lists_message_id_messages")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_lists")),
    )
    op.create_index(op.f("ix_answer_lists_message_id"), "answer_lists", ["message_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_answer_lists_message_id"), table_name="answer_lists")
    op.drop_table("answer_lists")
