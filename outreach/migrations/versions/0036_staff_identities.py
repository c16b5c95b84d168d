"""Accounts of staff are bound to identities of an issuer of OpenID Connect"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "staff_identities",
        to("user_id", "users", named="fk_staff_identities_user_id_users", ondelete="CASCADE", primary_key=True),
        column("issuer", sa.String(255)),
        column("subject", sa.String(255)),
        moment("bound_at"),
        sa.UniqueConstraint("issuer", "subject"),
    )


def downgrade() -> None:
    op.drop_table("staff_identities")
