"""Notes: drafts, and what is frozen, approved, refused, published, to which rows are only added"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.append_only import guard, unguard
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, to

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE

GUARDED = {
    "notes": ("id",),
    "note_rows": ("note_id", "strand", "fase"),
    "note_approvals": ("position",),
    "note_refusals": ("note_id",),
    "note_publications": ("note_id",),
    "note_files": ("note_id", "kind"),
}
STATUSES = ("joined", "tender_launched", "in_preparation", "declined", "informed", "not_concerned", "none")
AT = outreach.db.UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "note_drafts",
        key(),
        column("author", sa.String(255)),
        moment("changed_at", index=True),
        column("title", sa.String(200)),
        column("request", sa.Text()),
    )
    op.create_index("ix_note_drafts_author_changed_at", "note_drafts", ["author", "changed_at"])
    _create_notes()
    _create_approvals()
    for table, when, who in (
        ("note_refusals", "refused_at", "refused_by"),
        ("note_publications", "published_at", "published_by"),
    ):
        reason = [sa.Column("reason", sa.Text(), nullable=False)] if table == "note_refusals" else []
        op.create_table(
            table,
            _note(),
            sa.Column(when, AT, nullable=False),
            sa.Column(who, sa.String(length=255), nullable=False),
            *reason,
            sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f(f"fk_{table}_note_id_notes")),
            sa.PrimaryKeyConstraint("note_id", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "note_files",
        _note(),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_note_files_note_id_notes")),
        sa.PrimaryKeyConstraint("note_id", "kind", name=op.f("pk_note_files")),
    )
    op.create_index(op.f("ix_note_files_sha256"), "note_files", ["sha256"])
    for table, columns in GUARDED.items():
        guard(table, columns)


def downgrade() -> None:
    for table in reversed(GUARDED):
        unguard(table)
        op.drop_table(table)
    op.drop_table("note_drafts")


def _note() -> sa.Column[int]:
    return sa.Column("note_id", sa.Integer(), nullable=False)


def _create_notes() -> None:
    op.create_table(
        "notes",
        key(),
        to("programme_id", "programmes", named="fk_notes_programme_id_programmes"),
        column("title", sa.String(200)),
        column("as_of", sa.Date()),
        moment("known_at"),
        column("figures", sa.Text()),
        column("text", sa.Text()),
        column("sha256", sa.String(64)),
        moment("frozen_at"),
        column("frozen_by", sa.String(255), index=True),
        to("corrects_id", "notes", named="fk_notes_corrects_id_notes", nullable=True, index=True),
    )
    status = sa.Enum(*STATUSES, name="status", native_enum=False, create_constraint=True, length=40)
    word = sa.Enum("declared", "confirmed", name="word", native_enum=False, create_constraint=True, length=40)
    op.create_table(
        "note_rows",
        _note(),
        sa.Column("strand", sa.Integer(), nullable=False),
        sa.Column("fase", sa.Integer(), nullable=False),
        sa.Column("status", status, nullable=False),
        sa.Column("word", word, nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_note_rows_note_id_notes")),
        sa.PrimaryKeyConstraint("note_id", "strand", "fase", name=op.f("pk_note_rows")),
    )


def _create_approvals() -> None:
    op.create_table(
        "note_approvals",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        _note(),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("approved_at", AT, nullable=False),
        sa.Column("approved_by", sa.String(length=255), nullable=False),
        sa.Column("approved_as", sa.String(length=200), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["note_id"], ["notes.id"], name=op.f("fk_note_approvals_note_id_notes")),
        sa.ForeignKeyConstraint(["corrects_id"], ["notes.id"], name=op.f("fk_note_approvals_corrects_id_notes")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_note_approvals")),
        sa.UniqueConstraint("note_id", name=op.f("uq_note_approvals_note_id")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_note_approvals_corrects_id")),
        sa.UniqueConstraint("year", "rank", name=op.f("uq_note_approvals_year_rank")),
        sa.UniqueConstraint("number", name=op.f("uq_note_approvals_number")),
    )
