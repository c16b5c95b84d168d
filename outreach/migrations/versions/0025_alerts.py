"""Alerts are dated rows: when each began, when it ended, when either was mailed"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

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
    kind = sa.Enum(*KINDS, name="alert_kind", native_enum=False, create_constraint=True, length=40)
    moment = outreach.db.UtcDateTime(timezone=True)
    op.create_table(
        "alert_episodes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("began_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("told_began_at", moment, nullable=True),
        sa.Column("told_ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_episodes")),
        sa.UniqueConstraint("kind", "subject", "began_at", name=op.f("uq_alert_episodes_kind_subject_began_at")),
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
