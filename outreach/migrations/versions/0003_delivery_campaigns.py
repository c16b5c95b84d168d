"""Mailings, messages, suppressions, workers; campaigns and waves"""

import sqlalchemy as sa
from alembic import op

import outreach.db

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clock_passes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("hindrance", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_passes")),
    )
    op.create_table(
        "installations",
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("confirmed_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_installations")),
    )
    op.create_table(
        "relay_states",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("alarmed_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_relay_states")),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "unsubscribed",
                "hard_bounce",
                "complaint",
                "staff",
                name="suppression_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "scope",
            sa.Enum("awareness", "all", name="suppression_scope", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("created_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("lifted_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppressions_address_key"), ["address_key"], unique=False)
        batch_op.create_index(
            "uq_suppressions_in_force",
            ["address_key", "reason"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.String(length=255), nullable=False),
        sa.Column("started_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "to_approve",
                "approved",
                "closed",
                "cancelled",
                name="campaign_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "colour",
            sa.Enum(
                "red", "blue", "green", "grey", name="colour", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("circular", sa.String(length=40), nullable=False),
        sa.Column(
            "message_class",
            sa.Enum(
                "awareness", "statutory", name="campaign_class", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("strand_id", sa.Integer(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column(
            "tracking",
            sa.Enum("none", name="tracking_mode", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("deadline_days", sa.Integer(), nullable=False),
        sa.Column("starts_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("sender_address", sa.String(length=300), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_service", sa.String(length=200), nullable=False),
        sa.Column("contact_phone", sa.String(length=40), nullable=False),
        sa.Column("contact_email", sa.String(length=320), nullable=False),
        sa.Column("created_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["strand_id"], ["strands.id"], name=op.f("fk_campaigns_strand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaigns_strand_id"), ["strand_id"], unique=False)

    op.create_table(
        "mailings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "gate",
            sa.Enum("open", "held", "closed", name="gate", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "message_class",
            sa.Enum(
                "awareness", "statutory", name="message_class", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "doubt_policy",
            sa.Enum("hold", "resend", name="doubt_policy", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("stop_strand_id", sa.Integer(), nullable=True),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("created_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("filled_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["stop_strand_id"], ["strands.id"], name=op.f("fk_mailings_stop_strand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
    )
    with op.batch_alter_table("mailings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailings_stop_strand_id"), ["stop_strand_id"], unique=False)

    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(length=32), nullable=True),
        sa.Column("lease_until", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_batches_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint("mailing_id", "number", name=op.f("uq_batches_mailing_id_number")),
    )
    op.create_table(
        "campaign_transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "to_approve",
                "approved",
                "closed",
                "cancelled",
                name="reached_campaign_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_transitions_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_transitions")),
    )
    with op.batch_alter_table("campaign_transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_transitions_campaign_id"), ["campaign_id"], unique=False)

    op.create_table(
        "gate_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column(
            "gate",
            sa.Enum(
                "open", "held", "closed", name="changed_gate", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_gate_changes_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_changes")),
    )
    with op.batch_alter_table("gate_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gate_changes_mailing_id"), ["mailing_id"], unique=False)

    op.create_table(
        "waves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "running",
                "paused",
                "finished",
                "cancelled",
                "missed",
                name="wave_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("due_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("latest_start", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_waves_campaign_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_waves_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waves")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_waves_campaign_id_number")),
        sa.UniqueConstraint("mailing_id", name=op.f("uq_waves_mailing_id")),
    )
    with op.batch_alter_table("waves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waves_due_at"), ["due_at"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailing_id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column(
            "recipient_kind",
            sa.Enum(
                "authority",
                "federation",
                "school",
                name="recipient_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("address_ascii", sa.String(length=320), nullable=False),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("dated_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("return_path", sa.String(length=320), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "handing",
                "accepted",
                "refused",
                "expired",
                "in_doubt",
                "withdrawn",
                name="message_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "joined",
                "not_concerned",
                "no_address",
                "bounced",
                "unreviewed",
                "suppressed",
                "trial",
                "cancelled",
                name="withdrawal_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("due_at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("fence_id", sa.String(length=32), nullable=True),
        sa.Column("worker_id", sa.String(length=32), nullable=True),
        sa.Column("fenced_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("settled_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("resent_at", outreach.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("reply_status", sa.String(length=12), nullable=False),
        sa.Column("reply_text", sa.Text(), nullable=False),
        sa.CheckConstraint("(state = 'withdrawn') = (reason IS NOT NULL)", name=op.f("ck_messages_withdrawn")),
        sa.CheckConstraint(
            "state NOT IN ('handing', 'accepted', 'in_doubt') OR fence_id IS NOT NULL", name=op.f("ck_messages_fenced")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_messages_batch_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_messages_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "mailing_id",
            "recipient_kind",
            "recipient_id",
            "address_key",
            name=op.f("uq_messages_mailing_id_recipient_kind_recipient_id_address_key"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_messages_public_id")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index("ix_messages_address_key_state", ["address_key", "state"], unique=False)
        batch_op.create_index("ix_messages_batch_id_state_due_at", ["batch_id", "state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_messages_fence_id"), ["fence_id"], unique=False)
        batch_op.create_index(
            "ix_messages_handing",
            ["worker_id"],
            unique=False,
            sqlite_where=sa.text("state = 'handing'"),
            postgresql_where=sa.text("state = 'handing'"),
        )
        batch_op.create_index("ix_messages_mailing_id_state_reason", ["mailing_id", "state", "reason"], unique=False)

    op.create_table(
        "wave_transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wave_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "running",
                "paused",
                "finished",
                "cancelled",
                "missed",
                name="reached_wave_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", outreach.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["wave_id"], ["waves.id"], name=op.f("fk_wave_transitions_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave_transitions")),
    )
    with op.batch_alter_table("wave_transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wave_transitions_wave_id"), ["wave_id"], unique=False)

    op.create_table(
        "compositions",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_compositions_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_compositions")),
    )
    op.create_table(
        "message_subjects",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("school_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_subjects_message_id")),
        sa.ForeignKeyConstraint(["school_id"], ["schools.id"], name=op.f("fk_message_subjects_school_id")),
        sa.PrimaryKeyConstraint("message_id", "school_id", name=op.f("pk_message_subjects")),
    )
    with op.batch_alter_table("message_subjects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_subjects_school_id"), ["school_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("message_subjects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_subjects_school_id"))

    op.drop_table("message_subjects")
    op.drop_table("compositions")
    with op.batch_alter_table("wave_transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wave_transitions_wave_id"))

    op.drop_table("wave_transitions")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_mailing_id_state_reason")
        batch_op.drop_index(
            "ix_messages_handing",
            sqlite_where=sa.text("state = 'handing'"),
            postgresql_where=sa.text("state = 'handing'"),
        )
        batch_op.drop_index(batch_op.f("ix_messages_fence_id"))
        batch_op.drop_index("ix_messages_batch_id_state_due_at")
        batch_op.drop_index("ix_messages_address_key_state")

    op.drop_table("messages")
    with op.batch_alter_table("waves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waves_due_at"))

    op.drop_table("waves")
    with op.batch_alter_table("gate_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_gate_changes_mailing_id"))

    op.drop_table("gate_changes")
    with op.batch_alter_table("campaign_transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_transitions_campaign_id"))

    op.drop_table("campaign_transitions")
    op.drop_table("batches")
    with op.batch_alter_table("mailings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailings_stop_strand_id"))

    op.drop_table("mailings")
    with op.batch_alter_table("campaigns", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaigns_strand_id"))

    op.drop_table("campaigns")
    op.drop_table("workers")
    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_suppressions_in_force",
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_suppressions_address_key"))

    op.drop_table("suppressions")
    op.drop_table("relay_states")
    op.drop_table("installations")
    op.drop_table("clock_passes")
