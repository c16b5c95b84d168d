"""The withdrawal of what allows a mailbox to be measured is a row of its own; both are only added to"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, moment, to

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

KEYS = {"tracking_bases": ("id",), "basis_withdrawals": ("basis_id",)}


def upgrade() -> None:
    op.create_table(
        "basis_withdrawals",
        to("basis_id", "tracking_bases", named="fk_basis_withdrawals_basis_id_tracking_bases", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
        column("channel", sa.String(200)),
    )
    op.execute(
        "INSERT INTO basis_withdrawals (basis_id, withdrawn_at, withdrawn_by, channel)"
        " SELECT id, withdrawn_at, withdrawn_by, '' FROM tracking_bases WHERE withdrawn_at IS NOT NULL"
    )
    with op.batch_alter_table("tracking_bases") as batch_op:
        batch_op.drop_constraint(op.f("ck_tracking_bases_withdrawn"), type_="check")
        batch_op.drop_column("withdrawn_at")
        batch_op.drop_column("withdrawn_by")
    for table, key in KEYS.items():
        append_only.guard(table, key)


def downgrade() -> None:
    for table in KEYS:
        append_only.unguard(table)
    with op.batch_alter_table("tracking_bases") as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("withdrawn_by", sa.String(length=255), nullable=True))
    of_basis = "FROM basis_withdrawals WHERE basis_id = tracking_bases.id"
    op.execute(
        f"UPDATE tracking_bases SET withdrawn_at = (SELECT withdrawn_at {of_basis}),"
        f" withdrawn_by = (SELECT withdrawn_by {of_basis})"
    )
    with op.batch_alter_table("tracking_bases") as batch_op:
        batch_op.create_check_constraint(
            op.f("ck_tracking_bases_withdrawn"), "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)"
        )
    op.drop_table("basis_withdrawals")
