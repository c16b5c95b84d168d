"""Drafts of campaigns' steps become drafts of any form, one for each opened page"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations.kinds import Kind

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

STEPS = ("audience", "letter", "dates")
LAST = """NOT EXISTS (SELECT 1 FROM drafts AS other WHERE other.user_id = drafts.user_id
    AND other.subject = drafts.subject AND (other.typed_at, other.page) > (drafts.typed_at, drafts.page))"""


def upgrade() -> None:
    subject = sa.Column("subject", sa.String(length=40), nullable=False)
    page = sa.Column("page", sa.Integer(), autoincrement=False, nullable=False)
    _create("drafts", ("user_id", "subject", "page"), subject, page)
    op.execute(
        "INSERT INTO drafts (user_id, subject, page, typed_at, fields) "
        "SELECT user_id, 'campaign:' || campaign_id || ':' || step, 1, typed_at, fields FROM step_drafts"
    )
    op.drop_table("step_drafts")


def downgrade() -> None:
    """Keep the draft last typed of each step; those of notes have no place."""
    campaign = sa.Column("campaign_id", sa.Integer(), nullable=False)
    kinds = sa.Enum(*STEPS, name="step", native_enum=False, create_constraint=True, length=40)
    theirs = sa.ForeignKeyConstraint(
        ["campaign_id"], ["campaigns.id"], name=op.f("fk_step_drafts_campaign_id_campaigns"), ondelete="CASCADE"
    )
    key = ("campaign_id", "user_id", "step")
    _create("step_drafts", key, campaign, sa.Column("step", kinds, nullable=False), theirs)
    for step in STEPS:
        op.execute(
            "INSERT INTO step_drafts (campaign_id, user_id, step, typed_at, fields) "
            f"SELECT campaigns.id, user_id, '{step}', typed_at, fields FROM drafts "
            f"JOIN campaigns ON drafts.subject = 'campaign:' || campaigns.id || ':' || '{step}' WHERE {LAST}"
        )
    op.drop_table("drafts")


def _create(table: str, key: tuple[str, ...], *own: sa.Column[str] | sa.Column[int] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("typed_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        *own,
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_typed_at", table, ["typed_at"])
