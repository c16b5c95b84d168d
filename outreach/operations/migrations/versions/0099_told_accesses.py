"""Administrators are told of services that send and programs that are pushed to; the trail, of addresses of calendars"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, moment

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before does not know the line of the trail

TOLD = ("hook_senders", "push_targets")
KINDS = (
    "signed_in",
    "sign_in_failed",
    "sign_in_slowed",
    "password_wrong",
    "signed_out",
    "refused",
    "exported",
    "letter_opened",
)
FEED_MADE = "feed_made"


def upgrade() -> None:
    for table in TOLD:
        op.add_column(table, moment("told_at", nullable=True))
        known = sa.table(table, sa.column("told_at"), sa.column("made_at"))
        op.get_bind().execute(known.update().values(told_at=known.c.made_at))  # they are no news
    allow("trail_entries", "kind", "kind", *KINDS, FEED_MADE)


def downgrade() -> None:
    op.execute(f"DELETE FROM trail_entries WHERE kind = '{FEED_MADE}'")
    allow("trail_entries", "kind", "kind", *KINDS)
    for table in TOLD:
        op.drop_column(table, "told_at")
