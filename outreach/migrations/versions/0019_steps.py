"""What was done about a response, and the withdrawal of a record, are rows of their own; the first rows stay as they are"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

STEPS = ("taken", "handled", "reopened")
KEYS = {
    "adherence_records": ("id",),
    "record_withdrawals": ("record_id",),
    "responses": ("id",),
    "response_schools": ("response_id", "school_id"),
    "response_steps": ("id",),
}


def upgrade() -> None:
    op.create_table(
        "record_withdrawals",
        to(
            "record_id", "adherence_records", named="fk_record_withdrawals_record_id_adherence_records",
            primary_key=True,
        ),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    op.create_table(
        "response_steps",
        key(),
        to("response_id", "responses", named="fk_response_steps_response_id_responses"),
        one_of("step", "step", *STEPS),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
    )
    op.create_index("ix_response_steps_response_id_id", "response_steps", ["response_id", "id"])
    _move_into_rows()
    with op.batch_alter_table("adherence_records") as batch_op:
        batch_op.drop_column("withdrawn_at")
    op.drop_index("ix_responses_waiting", "responses")
    with op.batch_alter_table("responses") as batch_op:
        batch_op.drop_constraint(op.f("ck_responses_handled"), type_="check")
        for name in ("owner", "owned_at", "handled_at", "handled_by", "outcome"):
            batch_op.drop_column(name)
    for table, columns in KEYS.items():
        append_only.guard(table, columns)


def downgrade() -> None:
    for table in KEYS:
        append_only.unguard(table)
    with op.batch_alter_table("adherence_records") as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("responses") as batch_op:
        batch_op.add_column(sa.Column("owner", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("owned_at", outreach.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("handled_at", outreach.db.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("handled_by", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("outcome", sa.Text(), nullable=False, server_default=""))
    _move_back()
    with op.batch_alter_table("responses") as batch_op:
        batch_op.alter_column("outcome", server_default=None, existing_type=sa.Text())
        batch_op.create_check_constraint(op.f("ck_responses_handled"), "(handled_at IS NULL) = (handled_by IS NULL)")
    waiting = sa.text("handled_at IS NULL")
    op.create_index(
        "ix_responses_waiting", "responses", ["answer", "given_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.drop_table("response_steps")
    op.drop_table("record_withdrawals")


def _move_into_rows() -> None:
    """One row for what a column said. Who handled a response became its owner where nobody was, without a time."""
    op.execute(
        "INSERT INTO record_withdrawals (record_id, withdrawn_at, withdrawn_by)"
        " SELECT held.id, held.withdrawn_at, coalesce(joining_lists.undone_by, '') FROM adherence_records AS held"
        " LEFT JOIN joining_lists ON joining_lists.id = held.list_id WHERE held.withdrawn_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO response_steps (response_id, step, at, actor, note)"
        " SELECT id, 'taken', coalesce(owned_at, handled_at, given_at), owner, '' FROM responses"
        " WHERE owner IS NOT NULL ORDER BY id"
    )
    op.execute(
        "INSERT INTO response_steps (response_id, step, at, actor, note)"
        " SELECT id, 'handled', handled_at, handled_by, outcome FROM responses WHERE handled_at IS NOT NULL ORDER BY id"
    )


def _move_back() -> None:
    """The last rows become the columns again. Earlier ones are lost, as these columns never held them."""
    op.execute(
        "UPDATE adherence_records SET withdrawn_at = (SELECT withdrawn_at FROM record_withdrawals"
        " WHERE record_id = adherence_records.id)"
    )
    of_response = "FROM response_steps WHERE response_id = responses.id AND step"
    last = "ORDER BY id DESC LIMIT 1"
    op.execute(
        f"UPDATE responses SET owner = (SELECT actor {of_response} = 'taken' {last}),"
        f" owned_at = (SELECT at {of_response} = 'taken' {last})"
    )
    # Only where the last of both steps is not a reopening.
    is_handled = f"(SELECT step {of_response} <> 'taken' {last}) = 'handled'"
    op.execute(
        f"UPDATE responses SET handled_at = (SELECT at {of_response} = 'handled' {last}),"
        f" handled_by = (SELECT actor {of_response} = 'handled' {last}),"
        f" outcome = (SELECT note {of_response} = 'handled' {last}) WHERE {is_handled}"
    )
    op.execute("UPDATE responses SET owned_at = NULL WHERE owned_at = handled_at AND owner = handled_by")
