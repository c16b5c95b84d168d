"""Stored lists of authorities, and saved segments with their versions and the campaigns that took one over"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0031"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = outreach.db.UtcDateTime(timezone=True)
    op.create_table(
        "authority_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authority_lists")),
    )
    op.create_table(
        "authority_list_members",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("authority_id", sa.Integer(), nullable=False),
        _leads("authority_list_members", "list_id", "authority_lists"),
        _leads("authority_list_members", "authority_id", "authorities"),
        sa.PrimaryKeyConstraint("list_id", "authority_id", name=op.f("pk_authority_list_members")),
    )
    op.create_index("ix_authority_list_members_authority_id", "authority_list_members", ["authority_id"])
    op.create_table(
        "saved_segments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("retired_by", sa.String(255), nullable=True),
        sa.Column("retired_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_segments")),
    )
    op.create_table(
        "segment_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", instant, nullable=False),
        _leads("segment_versions", "segment_id", "saved_segments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_versions")),
        sa.UniqueConstraint("segment_id", "number", name=op.f("uq_segment_versions_segment_id_number")),
    )
    op.create_table(
        "campaign_segments",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        _leads("campaign_segments", "campaign_id", "campaigns"),
        _leads("campaign_segments", "version_id", "segment_versions"),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_segments")),
    )
    op.create_index("ix_campaign_segments_version_id", "campaign_segments", ["version_id"])


def _leads(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def downgrade() -> None:
    for table in (
        "campaign_segments",
        "segment_versions",
        "saved_segments",
        "authority_list_members",
        "authority_lists",
    ):
        op.drop_table(table)
