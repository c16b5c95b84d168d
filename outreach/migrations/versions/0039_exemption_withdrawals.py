"""An exemption from calm can be taken back: a dated row of its own, as both are only added to"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None
kind = Kind.BREAKING


def upgrade() -> None:
    op.create_table(
        "exemption_withdrawals",
        to("exemption_id", "exemptions", named="fk_exemption_withdrawals_exemption_id_exemptions", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    append_only.guard("exemption_withdrawals", ("exemption_id",))


def downgrade() -> None:
    append_only.unguard("exemption_withdrawals")
    op.drop_table("exemption_withdrawals")
