"""Mails received: what people and programs write back, and to which authority each belongs"""

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, key, moment, one_of, to

revision = "0116"
down_revision = "0113"
branch_labels = None
depends_on = None
kind = MigrationKind.ADDITIVE


def upgrade() -> None:
    letter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "received_mails",
        key(),
        column("digest", sa.String(64)),
        moment("received_at"),
        moment("written_at", nullable=True),
        column("is_automatic", sa.Boolean()),
        to("authority_id", "authorities", nullable=True),
        to("message_id", "messages", nullable=True, kind=letter),
        one_of("attached_by", "attached_by", "mark", "reference", "sender", nullable=True),
        column("sender", sa.String(320)),
        column("sender_key", sa.String(320)),
        column("sender_name", sa.String(200)),
        column("subject", sa.String(500)),
        column("text", sa.Text()),
        column("folded", sa.Text()),
        sa.CheckConstraint("(authority_id IS NULL) = (attached_by IS NULL)", name="attached"),
        sa.UniqueConstraint("digest"),
    )
    for name in ("received_at", "authority_id", "message_id", "sender_key"):
        op.create_index(f"ix_received_mails_{name}", "received_mails", [name])
    op.create_table(
        "received_files",
        to("mail_id", "received_mails", ondelete="CASCADE", primary_key=True, autoincrement=False),
        column("number", sa.Integer(), primary_key=True, autoincrement=False),
        column("name", sa.String(200)),
        column("kind", sa.String(200)),
        column("size", sa.Integer()),
    )


def downgrade() -> None:
    op.drop_table("received_files")
    op.drop_table("received_mails")
