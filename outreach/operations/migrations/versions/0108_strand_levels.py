"""A strand may be open to several levels; the way back keeps the first of them"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING  # the program of before reads the column that goes

LEVELS = ("nursery", "primary", "secondary")
SETS = (*LEVELS, "nursery,primary", "nursery,secondary", "primary,secondary", "nursery,primary,secondary")


def upgrade() -> None:
    _replace("level", "strand_level", "levels", "strand_levels", SETS)
    _restate(lambda strand: {("levels" if name == "level" else name): _listed(name, strand) for name in strand})


def downgrade() -> None:
    first = "CASE WHEN instr(levels, ',') = 0 THEN levels ELSE substr(levels, 1, instr(levels, ',') - 1) END"
    if op.get_bind().dialect.name == "postgresql":
        first = "split_part(levels, ',', 1)"
    op.execute(f"UPDATE strands SET levels = {first}")  # noqa: S608 - words of this file
    _replace("levels", "strand_levels", "level", "strand_level", LEVELS)
    _restate(lambda strand: {("level" if name == "levels" else name): _first(name, strand) for name in strand})


def _replace(old: str, old_check: str, new: str, new_check: str, values: tuple[str, ...]) -> None:
    """Another column in the place of one, with what that one held."""
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table("strands") as batch_op:
        batch_op.drop_constraint(op.f(f"ck_strands_{old_check}"), type_="check")
        batch_op.alter_column(old, new_column_name=new, existing_type=sa.String(40), existing_nullable=False)
    with op.batch_alter_table("strands") as batch_op:
        batch_op.create_check_constraint(op.f(f"ck_strands_{new_check}"), f"{new} IN ({listed})")


def _listed(name: str, strand: dict[str, Any]) -> Any:
    return [strand[name]] if name == "level" else strand[name]


def _first(name: str, strand: dict[str, Any]) -> Any:
    return strand[name][0] if name == "levels" else strand[name]


def _restate(changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrite the strands of programmes as events told them."""
    events, bind = sa.table("events", sa.column("id"), sa.column("kind"), sa.column("data")), op.get_bind()
    for row in bind.execute(sa.select(events).where(events.c.kind == "programme.stated")).all():
        told = json.loads(row.data)
        told["strands"] = [changed(strand) for strand in told["strands"]]
        data = json.dumps(told, ensure_ascii=False)
        bind.execute(events.update().where(events.c.id == row.id).values(data=data))
