"""Lists of answers that somebody sends from the page of a letter"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "answer_lists",
        key(),
        to("message_id", "messages", named="fk_answer_lists_message_id_messages", index=True),
        moment("received_at"),
        column("grid", sa.Text()),
        moment("applied_at", nullable=True),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_answer_lists_message_id"), table_name="answer_lists")
    op.drop_table("answer_lists")
