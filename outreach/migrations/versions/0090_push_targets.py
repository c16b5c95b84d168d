"""Programs that are pushed events, and the alert about one that does not answer"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None
kind = Kind.BREAKING  # the program before does not know the alert

KINDS = (
    *("relay_lost", "wave_paused", "letters_in_doubt", "disk_full", "copy_unconfirmed", "clock_silent"),
    *("returns_unreadable", "worker_gone", "restore_unproven"),
)
GIVEN_UP = "push_given_up"


def upgrade() -> None:
    op.create_table(
        "push_targets",
        key(),
        column("name", sa.String(80)),
        column("url", sa.String(500)),
        column("after", sa.BigInteger()),
        moment("made_at"),
        column("made_by", sa.String(255)),
        column("failures", sa.Integer()),
        moment("failing_since", nullable=True),
        moment("next_at"),
        column("said", sa.String(200)),
        moment("delivered_at", nullable=True),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        sa.CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing"),
    )
    allow("alert_episodes", "kind", "alert_kind", *KINDS, GIVEN_UP)


def downgrade() -> None:
    op.execute(f"DELETE FROM alert_episodes WHERE kind = '{GIVEN_UP}'")
    allow("alert_episodes", "kind", "alert_kind", *KINDS)
    op.drop_table("push_targets")
