"""Reminders added to a campaign under way, departures from rules with their reason, and who was written to too often"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations import append_only
from outreach.migrations.kinds import Kind
from outreach.migrations.tables import allow, column, key, moment, one_of, to

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
kind = Kind.BREAKING

STATES = ("draft", "to_approve", "approved", "abandoned")
GUARDED = ("added_reminder_transitions", "exemptions")
REASONS = (
    *("joined", "not_concerned", "answered", "written", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "trial", "cancelled"),
)


def upgrade() -> None:
    op.create_table(
        "added_reminders",
        key(),
        to("campaign_id", "campaigns", named="fk_added_reminders_campaign_id_campaigns", index=True),
        one_of("state", "reminder_state", *STATES),
        column("subject", sa.Text()),
        column("letter", sa.Text()),
        moment("asked_at"),
        moment("created_at"),
        column("created_by", sa.String(255)),
    )
    op.create_table(
        "added_reminder_transitions",
        key(),
        to(
            "added_reminder_id", "added_reminders",
            named="fk_added_reminder_transitions_added_reminder_id_added_reminders", index=True,
        ),
        one_of("state", "reached_reminder_state", *STATES),
        moment("at"),
        column("actor", sa.String(255)),
        column("content_hash", sa.String(64)),
        column("authorities", sa.Integer()),
        column("note", sa.Text()),
    )
    op.create_table(
        "exemptions",
        key(),
        one_of("kind", "exemption_kind", "hours", "calm"),
        to("campaign_id", "campaigns", named="fk_exemptions_campaign_id_campaigns", index=True),
        to("wave_id", "waves", named="fk_exemptions_wave_id_waves", nullable=True, index=True),
        moment("at"),
        column("actor", sa.String(255)),
        column("reason", sa.Text()),
    )
    for table in GUARDED:
        append_only.guard(table)
    with op.batch_alter_table("waves") as batch_op:
        batch_op.add_column(sa.Column("added_reminder_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_waves_added_reminder_id_added_reminders"), "added_reminders", ["added_reminder_id"], ["id"]
        )
        batch_op.create_index(op.f("ix_waves_added_reminder_id"), ["added_reminder_id"])
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.add_column(sa.Column("calm_waived", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.alter_column("calm_waived", server_default=None)
    allow("messages", "reason", "withdrawal_reason", *REASONS, "solicited")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason = 'solicited'")
    allow("messages", "reason", "withdrawal_reason", *REASONS)
    with op.batch_alter_table("campaigns") as batch_op:
        batch_op.drop_column("calm_waived")
    with op.batch_alter_table("waves") as batch_op:
        batch_op.drop_index(op.f("ix_waves_added_reminder_id"))
        batch_op.drop_constraint(op.f("fk_waves_added_reminder_id_added_reminders"), type_="foreignkey")
        batch_op.drop_column("added_reminder_id")
    for table in GUARDED:
        append_only.unguard(table)
    for table in ("exemptions", "added_reminder_transitions", "added_reminders"):
        op.drop_table(table)
