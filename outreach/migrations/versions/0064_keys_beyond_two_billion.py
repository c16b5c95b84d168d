"""Keys of letters and hits hold more than two billion"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

COUNTED = ("messages", "hits")
HELD = (
    ("message_subjects", "message_id"),
    ("compositions", "message_id"),
    ("hits", "message_id"),
    ("bounce_notices", "message_id"),
    ("responses", "message_id"),
    ("service_replies", "message_id"),
    ("answer_lists", "message_id"),
    ("receipt_copies", "message_id"),
    ("receipt_copies", "copy_id"),
)


def upgrade() -> None:
    _hold(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    _hold(sa.BigInteger(), sa.Integer())


def _hold(former: sa.types.TypeEngine[int], kind: sa.types.TypeEngine[int]) -> None:
    """Let keys be of this kind. SQLite's integers are of one kind."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in COUNTED:
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS {kind}")
    for table, name in (*((table, "id") for table in COUNTED), *HELD):
        op.alter_column(table, name, existing_type=former, type_=kind)
