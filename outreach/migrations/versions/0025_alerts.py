"""Alerts are dated rows: when each began, when it ended, when either was mailed"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

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
GOES_ON = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "alert_episodes",
        key(),
        one_of("kind", "alert_kind", *KINDS),
        column("subject", sa.String(255)),
        moment("began_at"),
        moment("ended_at", nullable=True),
        moment("told_began_at", nullable=True),
        moment("told_ended_at", nullable=True),
        sa.UniqueConstraint("kind", "subject", "began_at"),
    )
    op.create_index(
        "uq_alert_episodes_open",
        "alert_episodes",
        ["kind", "subject"],
        unique=True,
        sqlite_where=GOES_ON,
        postgresql_where=GOES_ON,
    )


def downgrade() -> None:
    op.drop_table("alert_episodes")
