"""Who reads a mailbox, its phone, what for and from where it is known; lists of contacts sent as files"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

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
    _allow("derived", "staff", "list")
    op.create_table(
        "contact_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", _enum("list_state", "received", "applied", "undone"), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("received_by", sa.String(255), nullable=False),
        sa.Column("applied_at", instant, nullable=True),
        sa.Column("applied_by", sa.String(255), nullable=True),
        sa.Column("undone_at", instant, nullable=True),
        sa.Column("undone_by", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_lists")),
    )
    op.create_table(
        "contact_list_lines",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("nature", _enum("line_nature", "new", "changed", "withdrawn"), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["contact_lists.id"], name=op.f("fk_contact_list_lines_list_id_contact_lists")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_list_lines_contact_id_contacts")
        ),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_contact_list_lines")),
    )
    op.create_index(op.f("ix_contact_list_lines_contact_id"), "contact_list_lines", ["contact_id"])


def downgrade() -> None:
    op.drop_table("contact_list_lines")
    op.drop_table("contact_lists")
    op.execute("UPDATE contacts SET source = 'staff' WHERE source = 'list'")
    _allow("derived", "staff")
    with op.batch_alter_table("contacts") as batch_op:
        batch_op.drop_constraint(op.f("ck_contacts_changed"), type_="check")
        for name in (*WORDS, "changed_at", "changed_by"):
            batch_op.drop_column(name)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _allow(*sources: str) -> None:
    listed = ", ".join(f"'{source}'" for source in sources)
    with op.batch_alter_table("contacts") as batch_op:
        batch_op.drop_constraint(op.f("ck_contacts_contact_source"), type_="check")
        batch_op.create_check_constraint(op.f("ck_contacts_contact_source"), f"source IN ({listed})")
