"""Programmes, joining lists and adherence records"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
        sa.UniqueConstraint("code", name=op.f("uq_programmes_code")),
    )
    op.create_table(
        "joining_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received", "applied", "undone", name="list_state", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("grid", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.String(length=255), nullable=False),
        sa.Column("applied_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("applied_by", sa.String(length=255), nullable=True),
        sa.Column("undone_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_joining_lists_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joining_lists")),
    )
    op.create_table(
        "strands",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("circular", sa.String(length=40), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "nursery",
                "primary",
                "secondary",
                name="strand_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_strands_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strands")),
        sa.UniqueConstraint("programme_id", "number", name=op.f("uq_strands_programme_id_number")),
    )
    op.create_table(
        "adherence_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.Column("strand_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "joined",
                "tender_launched",
                "in_preparation",
                "declined",
                "informed",
                "not_concerned",
                "none",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "word",
            sa.Enum("declared", "confirmed", name="word", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["joining_lists.id"], name=op.f("fk_adherence_records_list_id")),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_adherence_records_school_id")),
        sa.ForeignKeyConstraint(["strand_id"], ["strands.id"], name=op.f("fk_adherence_records_strand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adherence_records")),
    )
    with op.batch_alter_table("adherence_records", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_adherence_records_list_id"), ["list_id"], unique=False)
        batch_op.create_index("ix_adherence_records_school_id_strand_id", ["school_id", "strand_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_adherence_records_strand_id"), ["strand_id"], unique=False)

    op.create_table(
        "prerequisites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("strand_id", sa.Integer(), nullable=False),
        sa.Column("required_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["required_id"], ["strands.id"], name=op.f("fk_prerequisites_required_id")),
        sa.ForeignKeyConstraint(["strand_id"], ["strands.id"], name=op.f("fk_prerequisites_strand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prerequisites")),
    )
    with op.batch_alter_table("prerequisites", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_prerequisites_strand_id"), ["strand_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("prerequisites", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_prerequisites_strand_id"))

    op.drop_table("prerequisites")
    with op.batch_alter_table("adherence_records", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_adherence_records_strand_id"))
        batch_op.drop_index("ix_adherence_records_school_id_strand_id")
        batch_op.drop_index(batch_op.f("ix_adherence_records_list_id"))

    op.drop_table("adherence_records")
    op.drop_table("strands")
    op.drop_table("joining_lists")
    op.drop_table("programmes")
