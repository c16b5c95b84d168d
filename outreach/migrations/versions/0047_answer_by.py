"""A wave keeps the last day to answer that its letters state

Waves that exist keep none: their letters state the day that is counted from their moment.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.add_column("waves", sa.Column("answer_by", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("waves", "answer_by")
