"""Events that name a strand name its programme: strands of several programmes have the same numbers"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0107"
down_revision = "0105"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before would tell events without it

WAVES = ("wave.launched", "wave.ended", "wave.reopened", "wave.cancelled")
OF = {  # the table that has the strand of what an event of a kind is about, and the name of its key there
    **dict.fromkeys(WAVES, ("campaigns", "campaign")),
    "response.received": ("responses", "response"),
    "adherence.withdrawn": ("adherence_records", "record"),
}
BATCH = 1_000


def upgrade() -> None:
    bind = op.get_bind()
    codes = {table: _codes(bind, table) for table, _ in OF.values()}

    def named(kind: str, data: dict[str, Any]) -> dict[str, Any]:
        table, key = OF[kind]
        code = codes[table].get(data[key])
        if code is None or "programme" in data:
            return data
        told = ({"programme": code, name: value} if name == "strand" else {name: value} for name, value in data.items())
        return {name: value for pair in told for name, value in pair.items()}

    _rewrite(bind, named)


def downgrade() -> None:
    _rewrite(op.get_bind(), lambda _, data: {name: value for name, value in data.items() if name != "programme"})


def _codes(bind: sa.Connection, table: str) -> dict[int, str]:
    """The code of the programme of each row of a table that has a strand."""
    joined = "JOIN strands s ON s.id = t.strand_id JOIN programmes p ON p.id = s.programme_id"
    rows = bind.execute(sa.text(f"SELECT t.id, p.code FROM {table} t {joined}"))  # noqa: S608 - a name of this file
    return {row.id: row.code for row in rows}


def _rewrite(bind: sa.Connection, changed: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
    events = sa.table("events", sa.column("id"), sa.column("kind"), sa.column("data"))
    query = sa.select(events).where(events.c.kind.in_(OF)).order_by(events.c.id).limit(BATCH)
    last = 0
    while rows := bind.execute(query.where(events.c.id > last)).all():
        last = rows[-1].id
        for row in rows:
            data = json.dumps(changed(row.kind, json.loads(row.data)), ensure_ascii=False)
            if data != row.data:
                bind.execute(events.update().where(events.c.id == row.id).values(data=data))
