"""The letterhead under which a campaign and a letter by hand were submitted"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None
# The program of before would send letters that show a logo without the logo.
kind = Kind.BREAKING
TABLES = ("campaigns", "service_letters")
# What an erasure may do to a letter by hand, as before: its words go, and nothing else changes.
WORDS, STAYS = ("address", "text", "key", "written_by"), ("id", "authority_id", "text_id", "written_at")


def upgrade() -> None:
    append_only.unguard("service_letters")
    for table in TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("letterhead_id", sa.Integer(), nullable=True))
            batch_op.create_foreign_key(_key(table), "letterhead_versions", ["letterhead_id"], ["id"])
    _guard("letterhead_id")


def downgrade() -> None:
    append_only.unguard("service_letters")
    for table in TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(_key(table), type_="foreignkey")
            batch_op.drop_column("letterhead_id")
    _guard()


def _key(table: str) -> str:
    return op.f(f"fk_{table}_letterhead_id_letterhead_versions")


def _guard(*more: str) -> None:
    """Let rows be added, and lose words; nothing else. `more` are columns that stay as well."""
    append_only.guard_words("service_letters", WORDS, (*STAYS, *more))
