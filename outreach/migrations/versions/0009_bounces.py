"""Notices that came back by mail"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

VERDICTS = (
    "failed",
    "delayed",
    "information",
    "complaint",
    "unsubscription",
    "auto_reply",
    "human",
    "undetermined",
)
HANDLINGS = (
    "refused",
    "excluded",
    "complained",
    "unsubscribed",
    "elsewhere",
    "too_old",
    "unverified",
    "nothing",
)


def _one_of(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "bounce_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("read_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("verdict", _one_of(VERDICTS, "notice_verdict"), nullable=False),
        sa.Column("handling", _one_of(HANDLINGS, "notice_handling"), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_bounce_notices_message_id_messages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce_notices")),
        sa.UniqueConstraint("digest", name=op.f("uq_bounce_notices_digest")),
    )
    op.create_index("ix_bounce_notices_message_id_handling", "bounce_notices", ["message_id", "handling"])
    op.create_table(
        "bounce_reports",
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("verdict", _one_of(VERDICTS, "report_verdict"), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["bounce_notices.id"], name=op.f("fk_bounce_reports_notice_id_bounce_notices")),
        sa.PrimaryKeyConstraint("notice_id", "number", name=op.f("pk_bounce_reports")),
    )


def downgrade() -> None:
    op.drop_table("bounce_reports")
    op.drop_table("bounce_notices")
