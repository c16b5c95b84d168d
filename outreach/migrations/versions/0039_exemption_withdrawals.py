"""An exemption from calm can be taken back: a dated row of its own, as both are only added to"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exemption_withdrawals",
        sa.Column("exemption_id", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["exemption_id"], ["exemptions.id"], name=op.f("fk_exemption_withdrawals_exemption_id_exemptions")
        ),
        sa.PrimaryKeyConstraint("exemption_id", name=op.f("pk_exemption_withdrawals")),
    )
    append_only.guard("exemption_withdrawals", ("exemption_id",))


def downgrade() -> None:
    append_only.unguard("exemption_withdrawals")
    op.drop_table("exemption_withdrawals")
