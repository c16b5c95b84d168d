"""Who answers may say their name and function, and have one copy of the receipt sent to an address

The name and the function are personal data. They are kept as long as the response that they belong to, which nothing
deletes by itself. Their table is not guarded, so that they can be erased when the person asks for it. A copy's row
holds no address: that is in the letter, as every recipient's is.
"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "respondents",
        sa.Column("response_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("function", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["responses.id"], name=op.f("fk_respondents_response_id_responses")
        ),
        sa.PrimaryKeyConstraint("response_id", name=op.f("pk_respondents")),
    )
    op.create_table(
        "receipt_copies",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_receipt_copies_message_id_messages")),
        sa.ForeignKeyConstraint(["copy_id"], ["messages.id"], name=op.f("fk_receipt_copies_copy_id_messages")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_receipt_copies")),
        sa.UniqueConstraint("copy_id", name=op.f("uq_receipt_copies_copy_id")),
    )
    append_only.guard("receipt_copies", ("message_id",))


def downgrade() -> None:
    append_only.unguard("receipt_copies")
    op.drop_table("receipt_copies")
    op.drop_table("respondents")
