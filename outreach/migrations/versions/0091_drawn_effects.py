"""Effects of draws: what each showed, frozen with the list that opened it"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "drawn_effects",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("attempt_id", "draw_attempts", index=True),
        to("list_id", "joining_lists", index=True),
        moment("frozen_at"),
        column("outcome", sa.Text()),
    )
    append_only.guard("drawn_effects", ("campaign_id",))


def downgrade() -> None:
    append_only.unguard("drawn_effects")
    op.drop_table("drawn_effects")
