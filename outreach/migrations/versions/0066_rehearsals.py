"""Rehearsals of backups, and the alert that none was proven lately"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, one_of

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None
kind = Kind.BREAKING  # the program before does not know the new kind of alert
UNPROVEN = "restore_unproven"
KINDS = (
    "relay_lost",
    "wave_paused",
    "letters_in_doubt",
    "disk_full",
    "copy_unconfirmed",
    "clock_silent",
    "returns_unreadable",
    "worker_gone",
)


def upgrade() -> None:
    op.create_table(
        "rehearsals",
        key(),
        moment("at"),
        column("file", sa.String(255)),
        moment("made_at", nullable=True),
        one_of("outcome", "rehearsal_outcome", "proven", "failed"),
        column("told", sa.Text()),
        column("seconds", sa.Integer()),
    )
    op.create_index("ix_rehearsals_at", "rehearsals", ["at"])
    allow("alert_episodes", "kind", "alert_kind", *KINDS, UNPROVEN)


def downgrade() -> None:
    op.execute(f"DELETE FROM alert_episodes WHERE kind = '{UNPROVEN}'")
    allow("alert_episodes", "kind", "alert_kind", *KINDS)
    op.drop_table("rehearsals")
