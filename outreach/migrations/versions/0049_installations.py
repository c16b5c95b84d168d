"""The clock's passes and the states of relays belong to an installation, by its place

What is known belongs to the installation whose clock passed last.
"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

LATEST = "coalesce((SELECT place FROM installations ORDER BY passed_at IS NULL, passed_at DESC, place LIMIT 1), '')"
LAST_PASS = "(SELECT id FROM clock_passes ORDER BY at DESC, id LIMIT 1)"  # noqa: S105 - of a clock


def upgrade() -> None:
    _add_place("clock_passes")
    with op.batch_alter_table("clock_passes") as batch_op:
        batch_op.create_unique_constraint(op.f("uq_clock_passes_place"), ["place"])
    _add_place("relay_states")
    with op.batch_alter_table("relay_states") as batch_op:
        batch_op.drop_constraint(op.f("pk_relay_states"), type_="primary")
        batch_op.create_primary_key(op.f("pk_relay_states"), ["place", "name"])
    _call_subjects("identity", "place")


def downgrade() -> None:
    _call_subjects("place", "identity")
    op.execute(
        "DELETE FROM relay_states WHERE place <> (SELECT min(other.place) FROM relay_states AS other"
        " WHERE other.name = relay_states.name)"
    )
    with op.batch_alter_table("relay_states") as batch_op:
        batch_op.drop_constraint(op.f("pk_relay_states"), type_="primary")
        batch_op.create_primary_key(op.f("pk_relay_states"), ["name"])
        batch_op.drop_column("place")
    op.execute(f"DELETE FROM clock_passes WHERE id <> {LAST_PASS}")
    op.execute("UPDATE clock_passes SET id = 1")
    with op.batch_alter_table("clock_passes") as batch_op:
        batch_op.drop_constraint(op.f("uq_clock_passes_place"), type_="unique")
        batch_op.drop_column("place")


def _add_place(table: str) -> None:
    with op.batch_alter_table(table) as batch_op:
        batch_op.add_column(sa.Column("place", sa.Text(), nullable=True))
    op.execute(f"UPDATE {table} SET place = {LATEST}")
    with op.batch_alter_table(table) as batch_op:
        batch_op.alter_column("place", existing_type=sa.Text(), nullable=False)


def _call_subjects(before: str, after: str) -> None:
    """Call an installation in the alerts about it by the other column of its row."""
    for kind in ("disk_full", "copy_unconfirmed", "returns_unreadable"):
        op.execute(
            f"UPDATE alert_episodes SET subject = (SELECT substr({after}, 1, 255) FROM installations"
            f" WHERE substr({before}, 1, 255) = subject LIMIT 1) WHERE kind = '{kind}'"
            f" AND EXISTS (SELECT 1 FROM installations WHERE substr({before}, 1, 255) = subject)"
        )
