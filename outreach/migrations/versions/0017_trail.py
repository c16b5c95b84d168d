"""The trail of what staff saw and tried is rows, kept for 12 months, then deleted by the clock"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

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


def upgrade() -> None:
    op.create_table(
        "trail_entries",
        key(),
        moment("at", index=True),
        one_of("kind", "kind", *KINDS),
        column("person", sa.String(255)),
        column("detail", sa.String(300)),
    )


def downgrade() -> None:
    op.drop_table("trail_entries")
