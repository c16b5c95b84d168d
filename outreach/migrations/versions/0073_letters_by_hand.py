"""Letters by hand to an authority: as they were written, and among what the service wrote; texts that they begin with"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, to

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

PURPOSES = ("campaign", "test", "confirmation", "staff", "reply")
USES = ("help", "address", "noted", "joined")
# By table: the columns that may lose words, and those that stay.
GUARDED = {
    "decisions": (("title", "actor", "reason"), ("id", "subject", "kind", "digest", "authorities", "letters", "at")),
    "prepared_texts": (("text", "written_by"), ("id", "use", "written_at")),
    "service_letters": (("address", "text", "key", "written_by"), ("id", "authority_id", "text_id", "written_at")),
    "service_replies": (
        ("key", "subject", "text", "sent_by"),
        ("id", "response_id", "message_id", "text_id", "sent_at"),
    ),
}


def upgrade() -> None:
    allow("mailings", "purpose", "purpose", *PURPOSES, "letter")
    _let_texts_be(*USES, "after_call", "present")
    op.create_table(
        "service_letters",
        key(),
        to("authority_id", "authorities", index=True),
        column("address", sa.String(320)),
        column("text", sa.Text()),
        to("text_id", "prepared_texts", nullable=True),
        column("key", sa.String(32), unique=True),
        moment("written_at", index=True),
        column("written_by", sa.String(255), index=True),
    )
    _guard("service_letters")
    append_only.unguard("service_replies")
    with op.batch_alter_table("service_replies") as batch_op:
        batch_op.alter_column("response_id", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("letter_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_service_replies_letter_id_service_letters"), "service_letters", ["letter_id"], ["id"]
        )
        batch_op.create_unique_constraint(op.f("uq_service_replies_letter_id"), ["letter_id"])
        batch_op.create_check_constraint(op.f("ck_service_replies_about"), "(response_id IS NULL) <> (letter_id IS NULL)")
    _guard("service_replies", "letter_id")


def downgrade() -> None:
    append_only.unguard("service_replies")
    op.execute("DELETE FROM service_replies WHERE response_id IS NULL")
    with op.batch_alter_table("service_replies") as batch_op:
        batch_op.drop_constraint(op.f("ck_service_replies_about"), type_="check")
        batch_op.drop_constraint(op.f("uq_service_replies_letter_id"), type_="unique")
        batch_op.drop_constraint(op.f("fk_service_replies_letter_id_service_letters"), type_="foreignkey")
        batch_op.drop_column("letter_id")
        batch_op.alter_column("response_id", existing_type=sa.Integer(), nullable=False)
    _guard("service_replies")
    append_only.unguard("service_letters")
    op.drop_table("service_letters")
    append_only.unguard("decisions")
    op.execute("DELETE FROM staff_notices WHERE decision_id IN (SELECT id FROM decisions WHERE subject LIKE 'letter:%')")
    op.execute("DELETE FROM decisions WHERE subject LIKE 'letter:%'")
    _forget_texts()
    _guard("decisions")
    op.execute("UPDATE mailings SET purpose = 'reply' WHERE purpose = 'letter'")
    allow("mailings", "purpose", "purpose", *PURPOSES)


def _forget_texts() -> None:
    """Drop the texts of letters, and what was decided about them."""
    theirs = "SELECT id FROM prepared_texts WHERE use IN ('after_call', 'present')"
    of_decisions = f"SELECT 'text:' || id FROM ({theirs}) AS theirs"
    decided = f"SELECT id FROM decisions WHERE subject IN ({of_decisions})"
    op.execute(f"DELETE FROM staff_notices WHERE decision_id IN ({decided})")
    op.execute(f"DELETE FROM decisions WHERE subject IN ({of_decisions})")
    append_only.unguard("prepared_texts")
    op.execute("DELETE FROM prepared_texts WHERE use IN ('after_call', 'present')")
    _guard("prepared_texts")
    _let_texts_be(*USES)


def _let_texts_be(*uses: str) -> None:
    append_only.unguard("prepared_texts")
    allow("prepared_texts", "use", "use", *uses)
    _guard("prepared_texts")


def _guard(table: str, *more: str) -> None:
    """Let rows be added, and lose words; nothing else. `more` are columns that stay as well."""
    words, same = GUARDED[table]
    append_only.guard_words(table, words, (*same, *more))
