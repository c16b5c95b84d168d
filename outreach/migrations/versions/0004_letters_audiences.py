"""What a mailing is for; which schools a campaign concerns, its reminders, its last day, the approved number"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PURPOSE = sa.Enum(
    "campaign", "trial", "confirmation", name="purpose", native_enum=False, create_constraint=True, length=40
)
CONCERNS = sa.Enum("open", "joined", name="concerns", native_enum=False, create_constraint=True, length=40)


def _filled(table: str, column: sa.Column) -> None:
    """Add a column that must hold something: what is there gets the default, what comes brings its own."""
    with op.batch_alter_table(table) as batch_op:
        batch_op.add_column(column)
    with op.batch_alter_table(table) as batch_op:
        batch_op.alter_column(column.name, server_default=None)


def upgrade() -> None:
    _filled("mailings", sa.Column("purpose", PURPOSE, nullable=False, server_default="campaign"))
    _filled("campaigns", sa.Column("concerns", CONCERNS, nullable=False, server_default="open"))
    _filled("campaigns", sa.Column("reminders", sa.String(length=100), nullable=False, server_default=""))
    _filled("campaign_transitions", sa.Column("authorities", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(sa.Column("stops_on", sa.Date(), nullable=True))
    with op.batch_alter_table("waves") as batch_op:
        batch_op.add_column(sa.Column("drifted_from", sa.Integer(), nullable=True))
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.add_column(sa.Column("strand_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_mailings_strand_id_strands"), "strands", ["strand_id"], ["id"])
        batch_op.create_index(op.f("ix_mailings_strand_id"), ["strand_id"])
    op.execute("UPDATE mailings SET strand_id = stop_strand_id")
    campaigns = sa.table("campaigns", sa.column("id", sa.Integer), sa.column("criteria", sa.Text))
    connection = op.get_bind()
    for key, criteria in connection.execute(sa.select(campaigns.c.id, campaigns.c.criteria)).all():
        networks = json.loads(criteria).get("networks") or []
        written = {"and": [{"network": networks}] if networks else []}
        kept = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.update(campaigns).where(campaigns.c.id == key).values(criteria=kept))


def downgrade() -> None:
    with op.batch_alter_table("mailings") as batch_op:
        batch_op.drop_index(op.f("ix_mailings_strand_id"))
        batch_op.drop_constraint(op.f("fk_mailings_strand_id_strands"), type_="foreignkey")
        batch_op.drop_column("strand_id")
    with op.batch_alter_table("waves") as batch_op:
        batch_op.drop_column("drifted_from")
    with op.batch_alter_table("campaign_transitions") as batch_op:
        batch_op.drop_column("authorities")
    for table, column in (("campaigns", "concerns"), ("mailings", "purpose")):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
            batch_op.drop_column(column)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("stops_on")
        batch_op.drop_column("reminders")
