"""A person may correct the name of an authority or a school; the register's name stays"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

KINDS = ("authority", "school", "site")


def upgrade() -> None:
    for table in ("authorities", "schools"):
        op.add_column(table, sa.Column("corrected_name", sa.String(length=200), nullable=True))
    op.create_table(
        "name_corrections",
        key(),
        one_of("kind", "kind", *KINDS),
        column("fase", sa.Integer()),
        column("register_name", sa.String(200)),
        column("corrected_name", sa.String(200)),
        moment("corrected_at"),
        column("corrected_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
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
