"""A letter by hand answers a mail received, and staff withdraw an answer noted from one"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations import append_only
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, to

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before does not know why such an answer is withdrawn

REASONS = ("not_ours", "twice")
LETTERS, WITHDRAWALS = "service_letters", "response_withdrawals"
WORDS, SAME = ("address", "text", "key", "written_by"), ("id", "authority_id", "text_id", "written_at", "letterhead_id")


def _let_letters_go() -> None:
    """Guard letters as before, but for their mail, which may be forgotten before them."""
    stays = [append_only.SAME.format(name) for name in SAME]
    emptied = (
        f"({' OR '.join(map(append_only.CHANGED.format, WORDS))})",
        *map(append_only.ERASED.format, WORDS),
        *stays,
        append_only.SAME.format("mail_id"),
    )
    let_go = "NEW.mail_id IS NULL AND OLD.mail_id IS NOT NULL", *map(append_only.SAME.format, WORDS), *stays
    append_only.guard_but(LETTERS, f"({' AND '.join(emptied)}) OR ({' AND '.join(let_go)})")


def upgrade() -> None:
    append_only.unguard(LETTERS)
    with op.batch_alter_table(LETTERS) as batch_op:
        named = "fk_service_letters_mail_id_received_mails"
        batch_op.add_column(
            to("mail_id", "received_mails", named=named, ondelete="SET NULL", kind=sa.Integer(), nullable=True)
        )
    op.create_index(op.f("ix_service_letters_mail_id"), LETTERS, ["mail_id"])
    _let_letters_go()
    append_only.unguard(WITHDRAWALS)
    allow(WITHDRAWALS, "because", "because", *REASONS, "misread")
    append_only.guard(WITHDRAWALS, ("response_id",))


def downgrade() -> None:
    """An answer that staff withdrew stays withdrawn, as one of another person."""
    append_only.unguard(WITHDRAWALS)
    op.execute("UPDATE response_withdrawals SET because = 'not_ours' WHERE because = 'misread'")
    allow(WITHDRAWALS, "because", "because", *REASONS)
    append_only.guard(WITHDRAWALS, ("response_id",))
    append_only.unguard(LETTERS)
    op.drop_index(op.f("ix_service_letters_mail_id"), LETTERS)
    with op.batch_alter_table(LETTERS) as batch_op:
        batch_op.drop_column("mail_id")
    append_only.guard_words(LETTERS, WORDS, SAME)
