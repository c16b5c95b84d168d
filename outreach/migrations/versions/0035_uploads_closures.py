"""Editions of the register sent from the page, and closures that people add to the calendar"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

KEYS = {"closures": ("id",), "closure_withdrawals": ("closure_id",)}


def upgrade() -> None:
    op.create_table(
        "register_uploads",
        key(),
        column("edition_on", sa.Date()),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at"),
        column("received_by", sa.String(255)),
        to(
            "import_id", "register_imports", named="fk_register_uploads_import_id_register_imports", nullable=True,
            unique=True,
        ),
    )
    op.create_table(
        "closures",
        key(),
        column("first_on", sa.Date()),
        column("last_on", sa.Date()),
        one_of("part", "closed_part", "day", "morning", "afternoon"),
        one_of("spares", "spares", "", "administrations", "urgent"),
        column("name", sa.String(80)),
        moment("added_at"),
        column("added_by", sa.String(255)),
        sa.CheckConstraint("first_on <= last_on", name="in_order"),
    )
    op.create_table(
        "closure_withdrawals",
        to("closure_id", "closures", named="fk_closure_withdrawals_closure_id_closures", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    for table, columns in KEYS.items():
        append_only.guard(table, columns)


def downgrade() -> None:
    for table in KEYS:
        append_only.unguard(table)
    op.drop_table("closure_withdrawals")
    op.drop_table("closures")
    op.drop_table("register_uploads")
