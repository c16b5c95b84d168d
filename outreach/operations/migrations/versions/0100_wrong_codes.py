"""Wrong codes of letters on paper are counted over all who type them, and the alert about many"""

from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import allow, key, moment

revision = "0100"
down_revision = "0099"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before does not know the alert

KINDS = (
    *("relay_lost", "wave_paused", "letters_in_doubt", "disk_full", "copy_unconfirmed", "clock_silent"),
    *("returns_unreadable", "worker_gone", "restore_unproven", "push_given_up"),
)
GUESSED = "codes_guessed"


def upgrade() -> None:
    op.create_table("wrong_codes", key(), moment("at", index=True))
    allow("alert_episodes", "kind", "alert_kind", *KINDS, GUESSED)


def downgrade() -> None:
    op.execute(f"DELETE FROM alert_episodes WHERE kind = '{GUESSED}'")
    allow("alert_episodes", "kind", "alert_kind", *KINDS)
    op.drop_table("wrong_codes")
