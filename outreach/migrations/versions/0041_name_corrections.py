"""A person may correct the name of an authority or a school; the register's name stays"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

KINDS = ("authority", "school", "site")


def upgrade() -> None:
    for table in ("authorities", "schools"):
        op.add_column(table, sa.Column("corrected_name", sa.String(length=200), nullable=True))
    kind = sa.Enum(*KINDS, name="kind", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "name_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("register_name", sa.String(length=200), nullable=False),
        sa.Column("corrected_name", sa.String(length=200), nullable=False),
        sa.Column("corrected_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("corrected_by", sa.String(length=255), nullable=False),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=255), nullable=True),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_name_corrections_withdrawn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_corrections")),
    )
    in_force = sa.text("withdrawn_at IS NULL")
    op.create_index(
        "uq_name_corrections_in_force",
        "name_corrections",
        ["kind", "fase"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )


def downgrade() -> None:
    op.drop_index("uq_name_corrections_in_force", table_name="name_corrections")
    op.drop_table("name_corrections")
    for table in ("schools", "authorities"):
        op.drop_column(table, "corrected_name")
