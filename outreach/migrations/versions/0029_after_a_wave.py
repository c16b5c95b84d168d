"""Reminders added to a campaign under way, departures from rules with their reason, and who was written to too often"""

import sqlalchemy as sa
from alembic import op

import outreach.db
from outreach.migrations import append_only

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

STATES = ("draft", "to_approve", "approved", "abandoned")
GUARDED = ("added_reminder_transitions", "exemptions")
REASONS = (
    *("joined", "not_concerned", "answered", "written", "outside", "no_address"),
    *("bounced", "unreviewed", "suppressed", "trial", "cancelled"),
)


def upgrade() -> None:
    op.create_table(
        "added_reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("state", _enum("reminder_state", *STATES), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("asked_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_added_reminders_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_added_reminders")),
    )
    op.create_index(op.f("ix_added_reminders_campaign_id"), "added_reminders", ["campaign_id"])
    op.create_table(
        "added_reminder_transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("added_reminder_id", sa.Integer(), nullable=False),
        sa.Column("state", _enum("reached_reminder_state", *STATES), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("authorities", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_reminder_id"],
            ["added_reminders.id"],
            name=op.f("fk_added_reminder_transitions_added_reminder_id_added_reminders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_added_reminder_transitions")),
    )
    op.create_index(
        op.f("ix_added_reminder_transitions_added_reminder_id"), "added_reminder_transitions", ["added_reminder_id"]
    )
    op.create_table(
        "exemptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", _enum("exemption_kind", "hours", "calm"), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=True),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_exemptions_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(["wave_id"], ["waves.id"], name=op.f("fk_exemptions_wave_id_waves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemptions")),
    )
    op.create_index(op.f("ix_exemptions_campaign_id"), "exemptions", ["campaign_id"])
    op.create_index(op.f("ix_exemptions_wave_id"), "exemptions", ["wave_id"])
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
    _allow(*REASONS, "solicited")


def downgrade() -> None:
    op.execute("UPDATE messages SET reason = 'cancelled' WHERE reason = 'solicited'")
    _allow(*REASONS)
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


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _allow(*reasons: str) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("ck_messages_withdrawal_reason"), type_="check")
        batch_op.create_check_constraint(op.f("ck_messages_withdrawal_reason"), f"reason IN ({listed})")
