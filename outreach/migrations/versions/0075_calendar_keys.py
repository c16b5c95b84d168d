"""Keys by which calendar programs read a person's calendar"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "calendar_keys",
        to("user_id", "users", ondelete="CASCADE", primary_key=True),
        column("digest", sa.LargeBinary(), unique=True),
        moment("made_at"),
    )


def downgrade() -> None:
    op.drop_table("calendar_keys")
