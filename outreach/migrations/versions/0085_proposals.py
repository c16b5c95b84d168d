"""What federations and networks propose about their members"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "proposals",
        key(),
        one_of("kind", "proposal_kind", "address", "school"),
        one_of("state", "proposal_state", "waiting", "accepted", "refused"),
        to("authority_id", "authorities", index=True),
        to("contact_id", "contacts", nullable=True, index=True),
        to("school_id", "schools", nullable=True, index=True),
        column("address", sa.String(320)),
        column("said", sa.Text()),
        one_of("scope_kind", "scope_kind", "federation", "network"),
        column("scope_code", sa.String(60)),
        moment("proposed_at"),
        column("proposed_by", sa.String(255)),
        moment("decided_at", nullable=True),
        column("decided_by", sa.String(255), nullable=True),
        column("answer", sa.Text()),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name=op.f("ck_proposals_decided")),
        sa.CheckConstraint("(kind = 'school') = (school_id IS NOT NULL)", name=op.f("ck_proposals_about")),
    )
    op.create_index("ix_proposals_state", "proposals", ["state"])


def downgrade() -> None:
    op.drop_table("proposals")
