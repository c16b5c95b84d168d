"""A person's mail holds letters until a colleague has decided about it"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, moment

revision = "0118"
down_revision = "0117"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before would send what is held


def upgrade() -> None:
    with op.batch_alter_table("received_mails") as batch_op:
        batch_op.add_column(moment("settled_at", nullable=True))
        batch_op.add_column(column("settled_by", sa.String(255), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_received_mails_settled"), "(settled_at IS NULL) = (settled_by IS NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("received_mails") as batch_op:
        batch_op.drop_constraint(op.f("ck_received_mails_settled"), type_="check")
        batch_op.drop_column("settled_by")
        batch_op.drop_column("settled_at")
