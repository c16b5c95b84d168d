"""Who reads a mailbox, its phone, what for and from where it is known; lists of contacts sent as files"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, one_of, to

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

WORDS = {"function": 200, "phone": 40, "usage": 200, "source_note": 200}


def upgrade() -> None:
    instant = outreach.db.UtcDateTime(timezone=True)
    with op.batch_alter_table("contacts") as batch_op:
        for name, length in WORDS.items():
            batch_op.add_column(sa.Column(name, sa.String(length), server_default="", nullable=False))
        batch_op.add_column(sa.Column("changed_at", instant, nullable=True))
        batch_op.add_column(sa.Column("changed_by", sa.String(255), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_contacts_changed"), "(changed_at IS NULL) = (changed_by IS NULL)"
        )
    with op.batch_alter_table("contacts") as batch_op:
        for name in WORDS:
            batch_op.alter_column(name, server_default=None)
    allow("contacts", "source", "contact_source", "derived", "staff", "list")
    op.create_table(
        "contact_lists",
        key(),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        column("complete", sa.Boolean()),
        moment("received_at"),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "contact_list_lines",
        to("list_id", "contact_lists", named="fk_contact_list_lines_list_id_contact_lists", primary_key=True),
        to("contact_id", "contacts", named="fk_contact_list_lines_contact_id_contacts", index=True, primary_key=True),
        one_of("nature", "line_nature", "new", "changed", "withdrawn"),
        column("before", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("contact_list_lines")
    op.drop_table("contact_lists")
    op.execute("UPDATE contacts SET source = 'staff' WHERE source = 'list'")
    allow("contacts", "source", "contact_source", "derived", "staff")
    with op.batch_alter_table("contacts") as batch_op:
        batch_op.drop_constraint(op.f("ck_contacts_changed"), type_="check")
        for name in (*WORDS, "changed_at", "changed_by"):
            batch_op.drop_column(name)
