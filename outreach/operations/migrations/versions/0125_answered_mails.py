"""A letter by hand answers a mail received, and staff withdraw an answer noted from one"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import Kind
from outreach.operations.migrations.tables import allow, to

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None
kind = Kind.BREAKING  # the program before does not know why such an answer is withdrawn

REASONS = ("not_ours", "twice")


def upgrade() -> None:
    with op.batch_alter_table("service_letters") as batch_op:
        named = "fk_service_letters_mail_id_received_mails"
        batch_op.add_column(
            to("mail_id", "received_mails", named=named, ondelete="SET NULL", kind=sa.Integer(), nullable=True)
        )
    op.create_index(op.f("ix_service_letters_mail_id"), "service_letters", ["mail_id"])
    allow("response_withdrawals", "because", "because", *REASONS, "misread")


def downgrade() -> None:
    """An answer that staff withdrew stays withdrawn, as one of another person."""
    op.execute("UPDATE response_withdrawals SET because = 'not_ours' WHERE because = 'misread'")
    allow("response_withdrawals", "because", "because", *REASONS)
    op.drop_index(op.f("ix_service_letters_mail_id"), "service_letters")
    with op.batch_alter_table("service_letters") as batch_op:
        batch_op.drop_column("mail_id")
