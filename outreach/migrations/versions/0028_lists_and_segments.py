"""Stored lists of authorities, and saved segments with their versions and the campaigns that took one over"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
kind = Kind.ADDITIVE


def upgrade() -> None:
    op.create_table(
        "authority_lists",
        key(),
        column("name", sa.String(200)),
        column("made_by", sa.String(255)),
        moment("made_at"),
    )
    op.create_table(
        "authority_list_members",
        column("list_id", sa.Integer(), primary_key=True),
        column("authority_id", sa.Integer(), index=True, primary_key=True),
        _leads("authority_list_members", "list_id", "authority_lists"),
        _leads("authority_list_members", "authority_id", "authorities"),
    )
    op.create_table(
        "saved_segments",
        key(),
        column("name", sa.String(200)),
        column("made_by", sa.String(255)),
        moment("made_at"),
        column("retired_by", sa.String(255), nullable=True),
        moment("retired_at", nullable=True),
    )
    op.create_table(
        "segment_versions",
        key(),
        column("segment_id", sa.Integer()),
        column("number", sa.Integer()),
        column("criteria", sa.Text()),
        column("made_by", sa.String(255)),
        moment("made_at"),
        _leads("segment_versions", "segment_id", "saved_segments"),
        sa.UniqueConstraint("segment_id", "number"),
    )
    op.create_table(
        "campaign_segments",
        column("campaign_id", sa.Integer(), primary_key=True),
        column("version_id", sa.Integer(), index=True),
        _leads("campaign_segments", "campaign_id", "campaigns"),
        _leads("campaign_segments", "version_id", "segment_versions"),
    )


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
