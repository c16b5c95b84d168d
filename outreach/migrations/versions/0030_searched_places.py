"""The text that searches look into holds the place of an authority or a school, beside its name and number"""

import sqlalchemy as sa
from alembic import op

from outreach.directory.reference import fold
from outreach.migrations.kinds import Kind

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

NAMED, PLACED = ("name", "fase"), ("name", "fase", "locality", "municipality")


def upgrade() -> None:
    _fold(PLACED)


def downgrade() -> None:
    _fold(NAMED)


def _fold(parts: tuple[str, ...]) -> None:
    """Write the text anew, from these columns."""
    connection = op.get_bind()
    for name in ("authorities", "schools"):
        columns = [sa.column("id", sa.Integer), sa.column("folded", sa.Text), *map(sa.column, PLACED)]
        table = sa.table(name, *columns)
        rows = connection.execute(sa.select(table)).mappings().all()
        texts = [{"key": row["id"], "text": fold(" ".join(str(row[part]) for part in parts))} for row in rows]
        if texts:
            statement = sa.update(table).where(table.c.id == sa.bindparam("key"))
            connection.execute(statement.values(folded=sa.bindparam("text")), texts)
