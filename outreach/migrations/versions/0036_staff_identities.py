"""Accounts of staff are bound to identities of an issuer of OpenID Connect"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_identities",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("bound_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_staff_identities_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_staff_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_staff_identities_issuer_subject")),
    )


def downgrade() -> None:
    op.drop_table("staff_identities")
