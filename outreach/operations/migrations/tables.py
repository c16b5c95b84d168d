"""Columns as migrations write them. Names of keys, indexes and checks follow the convention of the models (`db.NAMES`).

Released revisions stand on these functions: what they make never changes.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from outreach.core.db import UtcDateTime


def column(name: str, kind: sa.types.TypeEngine[Any], *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    """A column that holds something in every row, unless it is `nullable`."""
    return sa.Column(name, kind, nullable=nullable, **options)


def key() -> sa.Column[Any]:
    """The number of a row, which the database assigns."""
    return column("id", sa.Integer(), primary_key=True)


def moment(name: str, **options: Any) -> sa.Column[Any]:
    """An instant."""
    return column(name, UtcDateTime(timezone=True), **options)


def one_of(name: str, check: str, *values: str, **options: Any) -> sa.Column[Any]:
    """A text that is one of these values. `check` is the second half of the name of what refuses others."""
    kind = sa.Enum(*values, name=check, native_enum=False, create_constraint=True, length=40)
    return column(name, kind, **options)


def to(name: str, table: str, named: str | None = None, ondelete: str | None = None, **options: Any) -> sa.Column[Any]:
    """The number of a row of another table. `named`: the foreign key's name where it has one of its own.

    `kind` is its type where that is not a plain integer.
    """
    reference = sa.ForeignKey(f"{table}.id", name=named, ondelete=ondelete)
    kind = options.pop("kind", sa.Integer())
    return sa.Column(name, kind, reference, nullable=options.pop("nullable", False), **options)


def where(condition: str) -> dict[str, Any]:
    """What makes an index hold only some rows, on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def allow(table: str, name: str, check: str, *values: str) -> None:
    """Let a column that is `one_of` hold these values from now on."""
    listed = ", ".join(f"'{value}'" for value in values)
    with op.batch_alter_table(table) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{table}_{check}"), type_="check")
        batch_op.create_check_constraint(op.f(f"ck_{table}_{check}"), f"{name} IN ({listed})")
