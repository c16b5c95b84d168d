"""Editions of the register sent from the page, and closures that people add to the calendar"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEYS = {"closures": ("id",), "closure_withdrawals": ("closure_id",)}


def upgrade() -> None:
    op.create_table(
        "register_uploads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("edition_on", sa.Date(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.String(length=255), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["register_imports.id"], name=op.f("fk_register_uploads_import_id_register_imports")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_uploads")),
        sa.UniqueConstraint("import_id", name=op.f("uq_register_uploads_import_id")),
    )
    op.create_table(
        "closures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("part", _enum("closed_part", "day", "morning", "afternoon"), nullable=False),
        sa.Column("spares", _enum("spares", "", "administrations", "urgent"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("added_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(length=255), nullable=False),
        sa.CheckConstraint("first_on <= last_on", name=op.f("ck_closures_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
    )
    op.create_table(
        "closure_withdrawals",
        sa.Column("closure_id", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["closure_id"], ["closures.id"], name=op.f("fk_closure_withdrawals_closure_id_closures")
        ),
        sa.PrimaryKeyConstraint("closure_id", name=op.f("pk_closure_withdrawals")),
    )
    for table, key in KEYS.items():
        append_only.guard(table, key)


def downgrade() -> None:
    for table in KEYS:
        append_only.unguard(table)
    op.drop_table("closure_withdrawals")
    op.drop_table("closures")
    op.drop_table("register_uploads")


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
