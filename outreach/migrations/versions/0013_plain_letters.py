"""A mailing keeps its letter as one JSON object: the draft stood in it as a text of JSON"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

MAILINGS = sa.table("mailings", sa.column("id", sa.Integer), sa.column("letter", sa.Text))


def upgrade() -> None:
    _rewrite(lambda draft: json.loads(draft) if isinstance(draft, str) else draft)


def downgrade() -> None:
    _rewrite(lambda draft: json.dumps(draft, ensure_ascii=False))


def _rewrite(change: Callable[[Any], Any]) -> None:
    connection = op.get_bind()
    for key in connection.scalars(sa.select(MAILINGS.c.id)).all():
        kept = json.loads(connection.scalar(sa.select(MAILINGS.c.letter).where(MAILINGS.c.id == key)))
        if "draft" in kept:
            kept["draft"] = change(kept["draft"])
            written = json.dumps(kept, ensure_ascii=False)
            connection.execute(sa.update(MAILINGS).where(MAILINGS.c.id == key).values(letter=written))
