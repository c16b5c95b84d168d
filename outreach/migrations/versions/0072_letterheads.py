"""The letterhead of the service, in versions that are only added"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.append_only import guard_but, unguard
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE
# What an erasure may do: words go, and nothing else changes.
WORDS, STAYS = ("lines", "set_by"), ("id", "set_at")
ERASED = "(NEW.{0} IS NOT DISTINCT FROM OLD.{0} OR NEW.{0} = '' OR NEW.{0} LIKE '%effacé%')"
MAY_LOSE = " AND ".join(
    (
        f"({' OR '.join(f'NEW.{word} IS DISTINCT FROM OLD.{word}' for word in WORDS)})",
        *(ERASED.format(word) for word in WORDS),
        *(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in STAYS),
    )
)


def upgrade() -> None:
    op.create_table(
        "letterhead_versions",
        key(),
        column("lines", sa.Text()),
        column("logo", sa.LargeBinary(), nullable=True),
        moment("set_at"),
        column("set_by", sa.String(255)),
    )
    guard_but("letterhead_versions", MAY_LOSE)


def downgrade() -> None:
    unguard("letterhead_versions")
    op.drop_table("letterhead_versions")
