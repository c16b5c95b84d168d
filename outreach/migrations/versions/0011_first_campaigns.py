"""Campaigns, their letters and what comes back as 0.1.0 had them: no database is older"""

import sqlalchemy as sa
from alembic import op

from outreach.migrations.kinds import Kind
from outreach.migrations.tables import column, key, moment, one_of, to, where

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
kind = Kind.BREAKING
TABLES = (  # each before those that it leads to
    "hit_counts", "hits", "tracking_bases", "tracked_links", "tracker_networks", "trackers", "bounce_reports",
    "bounce_notices", "response_schools", "responses", "wave_transitions", "waves", "compositions", "message_subjects",
    "messages", "batches", "gate_changes", "mailings", "campaign_transitions", "campaigns", "suppressions",
    "relay_states", "workers", "clock_passes", "installations",
)  # fmt: skip


def upgrade() -> None:
    _places()
    _campaigns()
    _delivery()
    _waves()
    _answers()
    _measuring()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _places() -> None:
    op.create_table(
        "installations",
        column("identity", sa.String(64), primary_key=True),
        column("place", sa.Text()),
        moment("confirmed_at"),
        column("confirmed_by", sa.String(255)),
        moment("passed_at", nullable=True),
    )
    op.create_table(
        "clock_passes",
        key(),
        moment("at"),
        column("hindrance", sa.Text()),
    )
    op.create_table(
        "workers",
        column("id", sa.String(32), primary_key=True),
        column("place", sa.String(255)),
        moment("started_at"),
        moment("seen_at"),
        moment("stopped_at", nullable=True),
    )
    op.create_table(
        "relay_states",
        column("name", sa.String(255), primary_key=True),
        column("failures", sa.Integer()),
        moment("rests_until", nullable=True),
        moment("alarmed_at", nullable=True),
        column("said", sa.Text()),
    )
    op.create_table(
        "suppressions",
        key(),
        column("address_key", sa.String(320), index=True),
        one_of("reason", "suppression_reason", "unsubscribed", "hard_bounce", "complaint", "staff"),
        one_of("scope", "suppression_scope", "awareness", "all"),
        moment("created_at"),
        column("created_by", sa.String(255)),
        column("detail", sa.Text()),
        moment("lifted_at", nullable=True),
        column("lifted_by", sa.String(255), nullable=True),
        column("lifted_because", sa.Text(), nullable=True),
    )
    op.create_index(
        "uq_suppressions_in_force", "suppressions", ["address_key", "reason"],
        unique=True, **where("lifted_at IS NULL"),
    )


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        key(),
        one_of("state", "campaign_state", "draft", "to_approve", "approved", "closed", "cancelled"),
        column("title", sa.String(200)),
        column("purpose", sa.Text()),
        one_of("colour", "colour", "red", "blue", "green", "grey"),
        column("circular", sa.String(40)),
        one_of("message_class", "campaign_class", "awareness", "statutory"),
        to("strand_id", "strands", index=True),
        column("criteria", sa.Text()),
        column("subject", sa.Text()),
        column("letter", sa.Text()),
        one_of("tracking", "tracking_mode", "none", "aggregate", "individual"),
        column("deadline_days", sa.Integer()),
        moment("starts_at", nullable=True),
        column("sender_name", sa.String(200)),
        column("sender_address", sa.String(300)),
        column("contact_name", sa.String(200)),
        column("contact_service", sa.String(200)),
        column("contact_phone", sa.String(40)),
        column("contact_email", sa.String(320)),
        moment("created_at"),
        column("created_by", sa.String(255)),
        one_of("concerns", "concerns", "open", "joined"),
        column("reminders", sa.String(100)),
        column("stops_on", sa.Date(), nullable=True),
    )
    op.create_table(
        "campaign_transitions",
        key(),
        to("campaign_id", "campaigns", index=True),
        one_of("state", "reached_campaign_state", "draft", "to_approve", "approved", "closed", "cancelled"),
        moment("at"),
        column("actor", sa.String(255)),
        column("content_hash", sa.String(64)),
        column("note", sa.Text()),
        column("authorities", sa.Integer()),
    )


def _delivery() -> None:
    op.create_table(
        "mailings",
        key(),
        one_of("gate", "gate", "open", "held", "closed"),
        one_of("message_class", "message_class", "awareness", "statutory"),
        one_of("doubt_policy", "doubt_policy", "hold", "resend"),
        to("stop_strand_id", "strands", nullable=True, index=True),
        column("letter", sa.Text()),
        column("headers", sa.Text()),
        moment("created_at"),
        moment("filled_at", nullable=True),
        one_of("purpose", "purpose", "campaign", "trial", "confirmation"),
        to("strand_id", "strands", named="fk_mailings_strand_id_strands", nullable=True, index=True),
    )
    op.create_table(
        "gate_changes",
        key(),
        to("mailing_id", "mailings", index=True),
        one_of("gate", "changed_gate", "open", "held", "closed"),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
    )
    op.create_table(
        "batches",
        key(),
        to("mailing_id", "mailings"),
        column("number", sa.Integer()),
        column("worker_id", sa.String(32), nullable=True),
        moment("lease_until", nullable=True),
        sa.UniqueConstraint("mailing_id", "number"),
    )
    op.create_table(
        "messages",
        key(),
        to("mailing_id", "mailings"),
        to("batch_id", "batches"),
        one_of("recipient_kind", "recipient_kind", "authority", "federation", "school"),
        column("recipient_id", sa.Integer()),
        column("address", sa.String(320)),
        column("address_key", sa.String(320)),
        column("address_ascii", sa.String(320)),
        column("public_id", sa.String(16), unique=True),
        moment("dated_at"),
        column("return_path", sa.String(320)),
        one_of(
            "state", "message_state", "queued", "handing", "accepted", "refused", "expired", "in_doubt", "withdrawn",
        ),
        one_of(
            "reason", "withdrawal_reason", "joined", "not_concerned", "no_address", "bounced", "unreviewed",
            "suppressed", "trial", "cancelled", "answered", "outside", nullable=True,
        ),
        moment("due_at"),
        column("attempts", sa.Integer()),
        moment("first_tried_at", nullable=True),
        column("revision", sa.Integer()),
        column("fence_id", sa.String(32), nullable=True),
        column("worker_id", sa.String(32), nullable=True),
        moment("fenced_at", nullable=True),
        moment("settled_at", nullable=True),
        moment("resent_at", nullable=True),
        column("reply_code", sa.Integer(), nullable=True),
        column("reply_status", sa.String(12)),
        column("reply_text", sa.Text()),
        sa.CheckConstraint("state NOT IN ('handing', 'accepted', 'in_doubt') OR fence_id IS NOT NULL", name="fenced"),
        sa.CheckConstraint("(state = 'withdrawn') = (reason IS NOT NULL)", name="withdrawn"),
        sa.UniqueConstraint("mailing_id", "recipient_kind", "recipient_id", "address_key"),
    )
    op.create_index("ix_messages_handing", "messages", ["worker_id"], **where("state = 'handing'"))
    op.create_index("ix_messages_in_doubt", "messages", ["fence_id"], **where("state = 'in_doubt'"))
    op.create_index("ix_messages_mailing_id_state_reason", "messages", ["mailing_id", "state", "reason"])
    op.create_index("ix_messages_queued", "messages", ["batch_id", "due_at"], **where("state = 'queued'"))
    op.create_index("ix_messages_refused", "messages", ["address_key"], **where("state = 'refused'"))
    op.create_table(
        "message_subjects",
        to("message_id", "messages", primary_key=True),
        to("school_id", "schools", index=True, primary_key=True),
    )
    op.create_table(
        "compositions",
        to("message_id", "messages", primary_key=True),
        column("revision", sa.Integer()),
        column("content", sa.Text()),
    )


def _waves() -> None:
    op.create_table(
        "waves",
        key(),
        to("campaign_id", "campaigns"),
        column("number", sa.Integer()),
        one_of("state", "wave_state", "planned", "running", "paused", "finished", "cancelled", "missed"),
        moment("due_at", index=True),
        moment("latest_start"),
        to("mailing_id", "mailings", nullable=True, unique=True),
        column("drifted_from", sa.Integer(), nullable=True),
        sa.UniqueConstraint("campaign_id", "number"),
    )
    op.create_table(
        "wave_transitions",
        key(),
        to("wave_id", "waves", index=True),
        one_of("state", "reached_wave_state", "planned", "running", "paused", "finished", "cancelled", "missed"),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
    )


def _answers() -> None:
    op.create_table(
        "responses",
        key(),
        to("message_id", "messages", named="fk_responses_message_id_messages", index=True),
        to("authority_id", "authorities", named="fk_responses_authority_id_authorities"),
        to("strand_id", "strands", named="fk_responses_strand_id_strands", index=True),
        one_of(
            "answer", "answer", "joined", "in_preparation", "tender_launched", "informed", "declined", "not_concerned",
            "help", "wrong_contact",
        ),
        column("comment", sa.Text()),
        column("proposed_address", sa.String(320)),
        moment("given_at"),
        column("owner", sa.String(255), nullable=True),
        moment("owned_at", nullable=True),
        moment("handled_at", nullable=True),
        column("handled_by", sa.String(255), nullable=True),
        column("outcome", sa.Text()),
        sa.CheckConstraint("(handled_at IS NULL) = (handled_by IS NULL)", name="handled"),
    )
    op.create_index("ix_responses_authority_id_strand_id", "responses", ["authority_id", "strand_id"])
    op.create_index("ix_responses_waiting", "responses", ["answer", "given_at"], **where("handled_at IS NULL"))
    op.create_table(
        "response_schools",
        to("response_id", "responses", named="fk_response_schools_response_id_responses", primary_key=True),
        to("school_id", "schools", named="fk_response_schools_school_id_schools", index=True, primary_key=True),
    )
    op.create_table(
        "bounce_notices",
        key(),
        column("digest", sa.String(64), unique=True),
        moment("read_at"),
        one_of(
            "verdict", "notice_verdict", "failed", "delayed", "information", "complaint", "unsubscription",
            "auto_reply", "human", "undetermined",
        ),
        one_of(
            "handling", "notice_handling", "refused", "excluded", "complained", "unsubscribed", "elsewhere", "too_old",
            "unverified", "nothing",
        ),
        to("message_id", "messages", named="fk_bounce_notices_message_id_messages", nullable=True),
    )
    op.create_index("ix_bounce_notices_message_id_handling", "bounce_notices", ["message_id", "handling"])
    op.create_table(
        "bounce_reports",
        to("notice_id", "bounce_notices", named="fk_bounce_reports_notice_id_bounce_notices", primary_key=True),
        column("number", sa.Integer(), primary_key=True),
        column("recipient", sa.String(320)),
        one_of(
            "verdict", "report_verdict", "failed", "delayed", "information", "complaint", "unsubscription",
            "auto_reply", "human", "undetermined",
        ),
        column("status", sa.String(12)),
        column("said", sa.Text()),
    )


def _measuring() -> None:
    op.create_table(
        "trackers",
        key(),
        to("mailing_id", "mailings", index=True),
        column("public_id", sa.String(16), unique=True),
        column("name", sa.String(200)),
        column("recipients", sa.Integer()),
    )
    op.create_table(
        "tracker_networks",
        to("tracker_id", "trackers", primary_key=True),
        to("network_id", "networks", index=True, primary_key=True),
    )
    op.create_table(
        "tracked_links",
        to("mailing_id", "mailings", primary_key=True),
        column("number", sa.SmallInteger(), primary_key=True),
        column("url", sa.Text()),
    )
    op.create_table(
        "tracking_bases",
        key(),
        to("contact_id", "contacts", index=True),
        one_of("kind", "basis_kind", "consent", "decision"),
        column("given_by", sa.String(200)),
        column("taken_on", sa.Date()),
        column("wording", sa.Text()),
        column("channel", sa.String(200)),
        column("reference", sa.String(200)),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("kind <> 'consent' OR (wording <> '' AND channel <> '')", name="consent"),
        sa.CheckConstraint("kind <> 'decision' OR reference <> ''", name="decision"),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    op.create_table(
        "hits",
        key(),
        to("message_id", "messages"),
        to("tracker_id", "trackers", nullable=True, index=True),
        column("link", sa.SmallInteger()),
        moment("at", index=True),
        one_of("agent", "agent", "none", "scanner", "proxy", "browser"),
        column("is_head", sa.Boolean()),
        one_of("hit_class", "judged_class", "human", "undetermined", "machine"),
        one_of("why", "why", "head", "agent", "proxy", "burst", "nothing_suspect"),
        column("version", sa.Integer()),
    )
    op.create_index("ix_hits_message_id_at", "hits", ["message_id", "at"])
    op.create_table(
        "hit_counts",
        to("tracker_id", "trackers", primary_key=True),
        column("link", sa.SmallInteger(), primary_key=True),
        moment("hour", primary_key=True),
        one_of("hit_class", "hit_class", "human", "undetermined", "machine", primary_key=True),
        column("count", sa.Integer()),
    )
