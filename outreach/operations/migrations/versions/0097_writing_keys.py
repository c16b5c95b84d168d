"""Writing is a right of its own on keys of programs; those that wrote in the last 90 days keep it"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import moment, one_of

revision = "0097"
down_revision = "0096"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program before lets every key write

LATELY = timedelta(days=90)
ACTOR = "api_key:"


def upgrade() -> None:
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.add_column(
            one_of("writing", "key_writing", "no", "given", "kept", nullable=False, server_default="no")
        )
        batch_op.add_column(moment("told_at", nullable=True))
        batch_op.create_check_constraint(op.f("ck_api_keys_writes_all"), "writing = 'no' OR scope IS NULL")
    since = datetime.now(UTC) - LATELY
    keys = sa.table("api_keys", sa.column("id"), sa.column("scope"), sa.column("writing"))
    kept = sa.update(keys).where(keys.c.id.in_(_that_wrote(since)), keys.c.scope.is_(None)).values(writing="kept")
    op.get_bind().execute(kept)


def downgrade() -> None:
    with op.batch_alter_table("api_keys") as batch_op:
        batch_op.drop_constraint(op.f("ck_api_keys_writes_all"), type_="check")
        batch_op.drop_constraint(op.f("ck_api_keys_key_writing"), type_="check")
        batch_op.drop_column("told_at")
        batch_op.drop_column("writing")


def _that_wrote(since: datetime) -> set[int]:
    """The keys of which a list was recorded since then, or a write is remembered: a list that changed nothing is not."""
    lists = sa.table("joining_lists", sa.column("received_by"), _moment("received_at"))
    writes = sa.table("api_writes", sa.column("key_id"), _moment("at"))
    recorded = sa.select(lists.c.received_by).where(lists.c.received_by.startswith(ACTOR), lists.c.received_at > since)
    bind = op.get_bind()
    wrote = {int(by.removeprefix(ACTOR)) for by in bind.scalars(recorded)}
    return wrote | set(bind.scalars(sa.select(writes.c.key_id).where(writes.c.at > since)))


def _moment(name: str) -> sa.ColumnClause:
    return sa.column(name, UtcDateTime(timezone=True))
