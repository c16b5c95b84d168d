"""What waits of the responses stands in rows of its own, so that a page that counts it reads none of the past"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import to

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    op.create_table(
        "waiting_responses",
        to("response_id", "responses", autoincrement=False),
        sa.PrimaryKeyConstraint("response_id", name=op.f("pk_waiting_responses")),
    )
    last = "SELECT step FROM response_steps WHERE response_id = responses.id AND step IN ('handled', 'reopened')"
    op.execute(
        "INSERT INTO waiting_responses (response_id) SELECT id FROM responses"
        f" WHERE coalesce(({last} ORDER BY id DESC LIMIT 1), 'reopened') = 'reopened'"
    )


def downgrade() -> None:
    op.drop_table("waiting_responses")
