"""An edition of the register is a list that somebody sends: one table holds what waits and what was applied"""

import json

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

MOMENT = outreach.db.UtcDateTime(timezone=True)
PERSON = sa.String(length=255)
TEXTS = {"grid": sa.Text(), "outcome": sa.Text(), "received_by": PERSON}
INDEXED = ("joining_lists", "register_imports")
SENT = "edition_on, sha256, grid, outcome, received_at, received_by"


def upgrade() -> None:
    with op.batch_alter_table("register_imports") as batch_op:
        for name, kind in TEXTS.items():
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=""))
        batch_op.add_column(sa.Column("received_at", MOMENT, nullable=True))
        batch_op.alter_column("applied_at", existing_type=MOMENT, nullable=True)
        batch_op.alter_column("applied_by", existing_type=PERSON, nullable=True)
        batch_op.drop_constraint(op.f("ck_register_imports_import_state"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_register_imports_list_state"), "state IN ('received', 'applied', 'undone')"
        )
    op.execute("UPDATE register_imports SET received_at = applied_at, received_by = applied_by")
    for name in ("grid", "outcome", "received_at", "received_by"):
        op.execute(
            f"UPDATE register_imports SET {name} = (SELECT {name} FROM register_uploads"
            " WHERE import_id = register_imports.id)"
            " WHERE id IN (SELECT import_id FROM register_uploads WHERE import_id IS NOT NULL)"
        )
    op.execute("UPDATE register_imports SET outcome = '{\"rejected\": ' || outcome || '}' WHERE outcome <> ''")
    op.execute(
        f"INSERT INTO register_imports (id, state, {SENT})"
        " SELECT (SELECT coalesce(max(id), 0) FROM register_imports) + row_number() OVER (ORDER BY id), 'received',"
        f" {SENT} FROM register_uploads WHERE import_id IS NULL"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('register_imports', 'id'), (SELECT max(id) FROM register_imports))"
        )
    op.drop_table("register_uploads")
    with op.batch_alter_table("register_imports") as batch_op:
        for name, kind in TEXTS.items():
            batch_op.alter_column(name, existing_type=kind, server_default=None)
        batch_op.alter_column("received_at", existing_type=MOMENT, nullable=False)
    for table in INDEXED:
        op.create_index(f"ix_{table}_received_at", table, ["received_at"])


def downgrade() -> None:
    for table in INDEXED:
        op.drop_index(f"ix_{table}_received_at", table)
    op.create_table(
        "register_uploads",
        key(),
        column("edition_on", sa.Date()),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at", index=True),
        column("received_by", PERSON),
        to(
            "import_id", "register_imports", named="fk_register_uploads_import_id_register_imports", nullable=True,
            unique=True,
        ),
    )
    op.execute(
        f"INSERT INTO register_uploads ({SENT}, import_id)"
        f" SELECT {SENT}, CASE WHEN state = 'received' THEN NULL ELSE id END FROM register_imports"
        " WHERE grid <> '' ORDER BY id"
    )
    _list_rejections()
    op.execute("DELETE FROM register_imports WHERE state = 'received'")
    with op.batch_alter_table("register_imports") as batch_op:
        for name in (*TEXTS, "received_at"):
            batch_op.drop_column(name)
        batch_op.alter_column("applied_at", existing_type=MOMENT, nullable=False)
        batch_op.alter_column("applied_by", existing_type=PERSON, nullable=False)
        batch_op.drop_constraint(op.f("ck_register_imports_list_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_register_imports_import_state"), "state IN ('applied', 'undone')")


def _list_rejections() -> None:
    """Keep of each outcome the list of rejected rows alone."""
    uploads = sa.table("register_uploads", sa.column("id", sa.Integer()), sa.column("outcome", sa.Text()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(uploads.c.id, uploads.c.outcome).where(uploads.c.outcome != "")).all():
        rejected = json.dumps(json.loads(row.outcome).get("rejected", []), ensure_ascii=False)
        connection.execute(sa.update(uploads).where(uploads.c.id == row.id).values(outcome=rejected))
