"""All tables as 0.3.0 had them, which is what an older database becomes first, by the program of 0.3.0"""

import sqlalchemy as sa
from alembic import op

from outreach.core.db import KEY
from outreach.operations.migrations import append_only
from outreach.operations.migrations.append_only import CHANGED, SAME
from outreach.operations.migrations.kinds import MigrationKind
from outreach.operations.migrations.tables import column, key, moment, one_of, to, where

revision = "0092"
down_revision = None
branch_labels = None
depends_on = None
kind = MigrationKind.BREAKING
GUARDED = {  # tables to which rows are only added, and their keys
    "audit_seals": ("id",),
    "drawn_effects": ("campaign_id",),
    "followed_draws": ("campaign_id",),
    "note_approvals": ("position",),
    "note_files": ("note_id", "kind"),
    "note_rows": ("note_id", "strand", "fase"),
    "notes": ("id",),
    "receipt_copies": ("message_id",),
    "response_schools": ("response_id", "school_id"),
}
EMPTIED = {  # tables whose rows may lose these words, and nothing else: (words, what stays, key)
    "adherence_records": (
        ("recorded_by", "source", "reason"),
        ("id", "school_id", "strand_id", "status", "word", "effective_on", "recorded_at", "list_id"),
        ("id",),
    ),
    "basis_withdrawals": (("withdrawn_by", "channel"), ("basis_id", "withdrawn_at"), ("basis_id",)),
    "campaign_transitions": (("actor", "note"), ("id", "campaign_id", "state", "at", "content_hash"), ("id",)),
    "closure_withdrawals": (("withdrawn_by",), ("closure_id", "withdrawn_at"), ("closure_id",)),
    "closures": (("name", "added_by"), ("id", "first_on", "last_on", "part", "spares", "added_at"), ("id",)),
    "decisions": (
        ("title", "actor", "reason"),
        ("id", "subject", "kind", "digest", "authorities", "letters", "at"),
        ("id",),
    ),
    "erasures": (("erased_by",), ("id", "digest", "key", "erased_at"), ("id",)),
    "exemption_withdrawals": (("withdrawn_by",), ("exemption_id", "withdrawn_at"), ("exemption_id",)),
    "exemptions": (("actor", "reason"), ("id", "kind", "campaign_id", "wave_id", "at"), ("id",)),
    "follow_up_steps": (("actor", "note"), ("id", "authority_id", "step", "at", "day", "contact_id"), ("id",)),
    "gate_changes": (("actor", "note"), ("id", "mailing_id", "gate", "at"), ("id",)),
    "letterhead_versions": (("lines", "set_by"), ("id", "set_at"), ("id",)),
    "note_publications": (("published_by",), ("note_id", "published_at"), ("note_id",)),
    "prepared_texts": (("text", "written_by"), ("id", "use", "written_at"), ("id",)),
    "public_statements": (("content", "written_by"), ("id", "kind", "dated_on", "written_at"), ("id",)),
    "reach_transitions": (("actor", "note"), ("id", "step_id", "state", "at", "reason", "day"), ("id",)),
    "record_withdrawals": (("withdrawn_by",), ("record_id", "withdrawn_at"), ("record_id",)),
    "response_steps": (("actor", "note"), ("id", "response_id", "step", "at", "day"), ("id",)),
    "responses": (
        ("comment", "proposed_address"),
        ("id", "message_id", "authority_id", "strand_id", "answer", "given_at"),
        ("id",),
    ),
    "retention_changes": (("changed_by",), ("id", "rule", "period", "changed_at"), ("id",)),
    "service_letters": (
        ("address", "text", "key", "written_by"),
        ("id", "authority_id", "text_id", "written_at", "letterhead_id"),
        ("id",),
    ),
    "service_replies": (
        ("key", "subject", "text", "sent_by"),
        ("id", "response_id", "message_id", "text_id", "sent_at", "letter_id"),
        ("id",),
    ),
    "tracking_bases": (
        ("given_by", "wording", "channel", "reference", "recorded_by"),
        ("id", "contact_id", "kind", "taken_on", "recorded_at"),
        ("id",),
    ),
    "wave_transitions": (("actor", "note"), ("id", "wave_id", "state", "at"), ("id",)),
}
SIGNED = "(NEW.{0} IS NOT DISTINCT FROM OLD.{0} OR NEW.{0} LIKE '%effacé%')"
AUDITED = ("actor", "subject", "run_by")
ENTRY = " AND ".join(
    (
        f"({' OR '.join(map(CHANGED.format, ('sentence', *AUDITED)))})",
        "EXISTS (SELECT 1 FROM sealed_entries WHERE entry_id = OLD.id)",
        "(NEW.sentence = OLD.sentence OR (NEW.sentence = '' AND EXISTS (SELECT 1 FROM sealed_entries WHERE"
        " entry_id = OLD.id AND salt IS NULL)))",
        *map(SIGNED.format, AUDITED),
        *map(SAME.format, ("id", "at", "way")),
    )
)
SEALED = " AND ".join(
    ("NEW.salt IS NULL AND OLD.salt IS NOT NULL", *map(SAME.format, ("entry_id", "seal_id", "words", "digest")))
)
ATTEMPT = ("id", "campaign_id", "number", "commitment", "nonce", "plan", "plan_digest", "list_digest", "submitted_at")
REVEALED = ("approver_bytes", "content_digest", "seed", "drawn_at", "voided_at")
DRAWN = ("attempt_id", "authority_id", "fase", "stratum", "outside", "letters")


def upgrade() -> None:
    _tables_1()
    _tables_2()
    _tables_3()
    _tables_4()
    _tables_5()
    append_only.create_function()
    for table, keys in GUARDED.items():
        append_only.guard(table, keys)
    for table, (words, stays, keys) in EMPTIED.items():
        append_only.guard_words(table, words, stays, keys)
    append_only.guard_but("audit_entries", ENTRY)
    append_only.guard_but("sealed_entries", SEALED, ("entry_id",))
    append_only.guard_but("draw_attempts", _once(ATTEMPT, REVEALED))
    append_only.guard_but("drawn_authorities", _once(DRAWN, ("place", "departure")), ("attempt_id", "authority_id"))


def downgrade() -> None:
    bind = op.get_bind()
    for table in (*GUARDED, *EMPTIED, "audit_entries", "sealed_entries", "draw_attempts", "drawn_authorities"):
        append_only.unguard(table)
    there = sa.MetaData()
    there.reflect(bind)
    there.remove(there.tables["alembic_version"])
    there.drop_all(bind)
    append_only.drop_function()


def _once(stays: tuple[str, ...], revealed: tuple[str, ...]) -> str:
    """What a row may become: no column changes, except that those that are revealed are said once, and not taken back.

    An update that changes nothing is refused, too.
    """
    is_said = " OR ".join(f"(OLD.{name} IS NULL AND NEW.{name} IS NOT NULL)" for name in revealed)
    said_once = (f"(OLD.{name} IS NULL OR {SAME.format(name)})" for name in revealed)
    return f"({is_said}) AND {' AND '.join((*map(SAME.format, stays), *said_once))}"


def _tables_1() -> None:
    op.create_table(
        "alert_episodes",
        key(),
        one_of(
            "kind",
            "alert_kind",
            *(
                "relay_lost wave_paused letters_in_doubt disk_full copy_unconfirmed clock_silent "
                "returns_unreadable worker_gone restore_unproven push_given_up"
            ).split(),
        ),
        column("subject", sa.String(255)),
        moment("began_at"),
        moment("ended_at", nullable=True, index=True),
        moment("told_began_at", nullable=True),
        moment("told_ended_at", nullable=True),
        sa.UniqueConstraint("kind", "subject", "began_at"),
    )
    op.create_index(
        "uq_alert_episodes_open", "alert_episodes", ["kind", "subject"], unique=True, **where("ended_at IS NULL")
    )
    op.create_table(
        "api_keys",
        key(),
        column("digest", sa.LargeBinary(32), unique=True),
        column("name", sa.String(80)),
        one_of("role", "key_role", "reader", "federation", "network"),
        column("scope", sa.String(60), nullable=True),
        moment("made_at"),
        column("made_by", sa.String(255)),
        moment("expires_at"),
        moment("last_used_at", nullable=True),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        sa.CheckConstraint("(scope IS NULL) = (role = 'reader')", name="scope"),
    )
    op.create_table(
        "applied_revisions",
        column("revision", sa.String(32), primary_key=True),
        one_of("kind", "revision_kind", "additive", "breaking"),
    )
    op.create_table(
        "audit_entries",
        key(),
        moment("at", index=True),
        column("actor", sa.String(255)),
        column("sentence", sa.Text()),
        column("subject", sa.String(300), index=True),
        one_of("way", "way", "page", "command", "clock", nullable=True),
        column("run_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "audit_seals",
        key(),
        moment("sealed_at"),
        column("entries", sa.Integer()),
        column("previous", sa.String(64)),
        column("digest", sa.String(64)),
    )
    op.create_table(
        "authority_lists", key(), column("name", sa.String(200)), column("made_by", sa.String(255)), moment("made_at")
    )
    op.create_table(
        "clock_passes", key(), column("place", sa.Text(), unique=True), moment("at"), column("hindrance", sa.Text())
    )
    op.create_table(
        "closures",
        key(),
        column("first_on", sa.Date()),
        column("last_on", sa.Date()),
        one_of("part", "closed_part", "day", "morning", "afternoon"),
        one_of("spares", "spares", "", "administrations", "urgent"),
        column("name", sa.String(80)),
        moment("added_at"),
        column("added_by", sa.String(255)),
        sa.CheckConstraint("first_on <= last_on", name="in_order"),
    )
    op.create_table(
        "column_matchings",
        key(),
        column("kind", sa.String(40)),
        column("header", sa.String(64)),
        column("fields", sa.Text()),
        moment("matched_at", index=True),
        column("matched_by", sa.String(255)),
    )
    op.create_index("ix_column_matchings_kind_header", "column_matchings", ["kind", "header"])
    op.create_table(
        "contact_lists",
        column("complete", sa.Boolean()),
        key(),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at", index=True),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True, index=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "decisions",
        key(),
        column("subject", sa.String(40)),
        column("title", sa.String(200)),
        one_of(
            "kind",
            "decision_kind",
            *"written submitted approved confirmed sent_back refused withdrawn asked answered".split(),
            index=True,
        ),
        column("digest", sa.String(64)),
        column("authorities", sa.Integer()),
        column("letters", sa.Integer(), nullable=True),
        moment("at", index=True),
        column("actor", sa.String(255)),
        column("reason", sa.Text()),
    )
    op.create_index("ix_decisions_subject_id", "decisions", ["subject", "id"])
    op.create_table(
        "deputies",
        key(),
        column("absent", sa.String(255), index=True),
        column("deputy", sa.String(255), index=True),
        column("first_on", sa.Date()),
        column("last_on", sa.Date()),
        moment("named_at"),
        moment("ended_at", nullable=True),
    )
    op.create_table(
        "domain_checks",
        key(),
        column("domain", sa.String(255)),
        moment("checked_at", index=True),
        one_of("verdict", "mail_verdict", *"takes_mail refuses no_host no_domain unanswered".split()),
    )
    op.create_index("ix_domain_checks_domain_checked_at", "domain_checks", ["domain", "checked_at"])
    op.create_table(
        "erasures",
        key(),
        column("digest", sa.String(64), unique=True),
        column("key", sa.String(16)),
        moment("erased_at"),
        column("erased_by", sa.String(255)),
    )
    op.create_table(
        "events",
        column("id", KEY, primary_key=True),
        column("number", sa.BigInteger(), nullable=True, unique=True),
        one_of(
            "kind",
            "event_kind",
            *(
                "register.authority register.school register.applied register.undone programme.stated "
                "adherence.recorded adherence.withdrawn wave.launched wave.ended wave.reopened wave.cancelled "
                "response.received response.handled response.reopened address.excluded address.readmitted "
                "note.published"
            ).split(),
        ),
        column("subject", sa.String(60)),
        moment("at"),
        column("data", sa.Text()),
    )
    op.create_index("ix_events_unnumbered", "events", ["id"], **where("number IS NULL"))
    op.create_table("federations", key(), column("code", sa.String(20), unique=True), column("name", sa.String(200)))
    op.create_table(
        "hook_senders",
        key(),
        column("name", sa.String(40), unique=True),
        column("public_key", sa.LargeBinary(32), nullable=True),
        column("salt", sa.String(64)),
        column("networks", sa.String(200)),
        moment("made_at"),
        column("made_by", sa.String(255)),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )
    op.create_table(
        "installations",
        column("identity", sa.String(64), primary_key=True),
        column("place", sa.Text()),
        moment("confirmed_at"),
        column("confirmed_by", sa.String(255)),
        moment("passed_at", nullable=True),
    )
    op.create_table(
        "jobs",
        key(),
        column("asked_by", sa.String(255), index=True),
        column("title", sa.String(200)),
        column("method", sa.String(10)),
        column("address", sa.Text()),
        column("form", sa.Text()),
        one_of("state", "job_state", "waiting", "running", "done", "failed", "cancelled", index=True),
        moment("asked_at"),
        column("lease", sa.String(32), nullable=True),
        moment("leased_until", nullable=True),
        column("breaks", sa.Integer()),
        moment("began_at", nullable=True),
        moment("ended_at", nullable=True, index=True),
        column("done", sa.Integer()),
        column("total", sa.Integer(), nullable=True),
        column("said", sa.Text()),
        column("location", sa.Text()),
        column("file_name", sa.String(255)),
        column("mimetype", sa.String(120)),
        column("size", sa.Integer()),
    )
    op.create_table(
        "letterhead_versions",
        key(),
        column("lines", sa.Text()),
        column("logo", sa.LargeBinary(), nullable=True),
        moment("set_at"),
        column("set_by", sa.String(255)),
    )
    op.create_table(
        "name_corrections",
        key(),
        one_of("kind", "kind", "authority", "school", "site"),
        column("fase", sa.Integer()),
        column("register_name", sa.String(200)),
        column("corrected_name", sa.String(200)),
        moment("corrected_at"),
        column("corrected_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    op.create_index(
        "uq_name_corrections_in_force",
        "name_corrections",
        ["kind", "fase"],
        unique=True,
        **where("withdrawn_at IS NULL"),
    )
    op.create_table(
        "networks",
        key(),
        column("code", sa.String(60), unique=True),
        column("label", sa.String(60)),
        column("position", sa.Integer()),
    )
    op.create_table(
        "note_drafts",
        key(),
        column("author", sa.String(255)),
        moment("changed_at", index=True),
        column("title", sa.String(200)),
        column("request", sa.Text()),
    )
    op.create_index("ix_note_drafts_author_changed_at", "note_drafts", ["author", "changed_at"])
    op.create_table("notice_starts", key(), moment("at"))
    op.create_table(
        "password_requests",
        key(),
        column("address", sa.LargeBinary(16)),
        column("network", sa.LargeBinary(16)),
        moment("at", index=True),
        moment("handled_at", nullable=True),
    )
    op.create_index("ix_password_requests_address_at", "password_requests", ["address", "at"])
    op.create_index("ix_password_requests_network_at", "password_requests", ["network", "at"])
    op.create_table(
        "postal_corrections",
        key(),
        one_of("kind", "kind", "authority", "school", "site"),
        column("fase", sa.Integer()),
        column("register_address", sa.String(400)),
        column("street", sa.String(200)),
        column("house_number", sa.String(20)),
        column("box", sa.String(20)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        moment("corrected_at"),
        column("corrected_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    op.create_index(
        "uq_postal_corrections_in_force",
        "postal_corrections",
        ["kind", "fase"],
        unique=True,
        **where("withdrawn_at IS NULL"),
    )
    op.create_table(
        "postal_returns",
        key(),
        one_of("kind", "kind", "authority", "school", "site"),
        column("fase", sa.Integer()),
        column("returned_address", sa.String(400)),
        column("returned_on", sa.Date()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
    )
    op.create_index("ix_postal_returns_kind_fase", "postal_returns", ["kind", "fase"])


def _tables_2() -> None:
    op.create_table(
        "prepared_texts",
        key(),
        one_of("use", "use", *"help address noted joined after_call present".split()),
        column("text", sa.Text()),
        moment("written_at"),
        column("written_by", sa.String(255)),
    )
    op.create_index("ix_prepared_texts_use_id", "prepared_texts", ["use", "id"])
    op.create_table("programmes", key(), column("code", sa.String(60), unique=True), column("name", sa.String(200)))
    op.create_table(
        "public_statements",
        key(),
        one_of("kind", "statement_kind", "data-protection", "accessibility"),
        column("content", sa.Text()),
        column("dated_on", sa.Date()),
        moment("written_at"),
        column("written_by", sa.String(255)),
    )
    op.create_index("ix_public_statements_kind_id", "public_statements", ["kind", "id"])
    op.create_table(
        "push_targets",
        key(),
        column("name", sa.String(80)),
        column("url", sa.String(500)),
        column("after", sa.BigInteger()),
        moment("made_at"),
        column("made_by", sa.String(255)),
        column("failures", sa.Integer()),
        moment("failing_since", nullable=True),
        moment("next_at"),
        column("said", sa.String(200)),
        moment("delivered_at", nullable=True),
        moment("ended_at", nullable=True),
        column("ended_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        sa.CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing"),
    )
    op.create_table(
        "register_imports",
        column("edition_on", sa.Date()),
        key(),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at", index=True),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "rehearsals",
        key(),
        moment("at", index=True),
        column("file", sa.String(255)),
        moment("made_at", nullable=True),
        one_of("outcome", "rehearsal_outcome", "proven", "failed"),
        column("told", sa.Text()),
        column("seconds", sa.Integer()),
    )
    op.create_table(
        "relay_states",
        column("place", sa.Text(), primary_key=True),
        column("name", sa.String(255), primary_key=True),
        column("failures", sa.Integer()),
        moment("rests_until", nullable=True),
        moment("alarmed_at", nullable=True),
        column("said", sa.Text()),
    )
    op.create_table(
        "retention_changes",
        key(),
        column("rule", sa.String(40)),
        column("period", sa.String(20)),
        moment("changed_at"),
        column("changed_by", sa.String(255)),
    )
    op.create_table("roles", key(), column("name", sa.String(40), unique=True))
    op.create_table(
        "saved_segments",
        key(),
        column("name", sa.String(200)),
        column("made_by", sa.String(255)),
        moment("made_at"),
        column("retired_by", sa.String(255), nullable=True),
        moment("retired_at", nullable=True),
    )
    op.create_table("sign_in_attempts", key(), column("name", sa.LargeBinary(16)), moment("at", index=True))
    op.create_index("ix_sign_in_attempts_name_at", "sign_in_attempts", ["name", "at"])
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
        "uq_suppressions_in_force", "suppressions", ["address_key", "reason"], unique=True, **where("lifted_at IS NULL")
    )
    op.create_table(
        "trail_entries",
        key(),
        moment("at", index=True),
        one_of(
            "kind",
            "kind",
            *(
                "signed_in sign_in_failed sign_in_slowed password_wrong signed_out refused exported letter_opened"
            ).split(),
        ),
        column("person", sa.String(255)),
        column("detail", sa.String(300)),
    )
    op.create_table(
        "users",
        key(),
        column("email", sa.String(255), unique=True),
        column("name", sa.String(200)),
        column("password", sa.String(255)),
        column("active", sa.Boolean()),
        column("fs_uniquifier", sa.String(64), unique=True),
        moment("created_at"),
        column("must_change_password", sa.Boolean()),
        moment("accepted_at", nullable=True),
        moment("last_sign_in_at", nullable=True),
        column("scope_code", sa.String(60), server_default=""),
    )
    op.create_table(
        "workers",
        column("id", sa.String(32), primary_key=True),
        column("place", sa.String(255)),
        moment("started_at"),
        moment("seen_at", index=True),
        moment("stopped_at", nullable=True),
        column("waits_for", sa.String(255)),
        column("waits_on", sa.Integer()),
        moment("waits_since", nullable=True),
    )
    op.create_table(
        "account_links",
        key(),
        to("user_id", "users", named="fk_account_links_user_id_users", ondelete="CASCADE", index=True),
        one_of("kind", "kind", "invitation", "reset", "forgotten"),
        column("digest", sa.LargeBinary(32), unique=True),
        moment("made_at"),
        moment("expires_at", index=True),
        moment("used_at", nullable=True),
        moment("ended_at", nullable=True),
    )
    op.create_table(
        "api_writes",
        key(),
        to("key_id", "api_keys"),
        column("name", sa.String(255)),
        column("body", sa.String(64)),
        column("answer", sa.Text()),
        moment("at", index=True),
        sa.UniqueConstraint("key_id", "name"),
    )
    op.create_table(
        "authorities",
        key(),
        column("fase", sa.Integer(), unique=True),
        column("company_number", sa.String(10), nullable=True),
        to("network_id", "networks", index=True),
        column("folded", sa.Text()),
        to("created_by", "register_imports", nullable=True, index=True),
        column("name", sa.String(200)),
        column("corrected_name", sa.String(200), nullable=True),
        column("address", sa.String(200)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        column("municipality", sa.String(100)),
    )
    op.create_table(
        "calendar_keys",
        to("user_id", "users", ondelete="CASCADE", primary_key=True),
        column("digest", sa.LargeBinary(32), unique=True),
        moment("made_at"),
    )
    op.create_table(
        "closure_withdrawals",
        to("closure_id", "closures", named="fk_closure_withdrawals_closure_id_closures", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    op.create_table(
        "drafts",
        to("user_id", "users", named="fk_drafts_user_id_users", ondelete="CASCADE", primary_key=True),
        column("subject", sa.String(40), primary_key=True),
        column("page", sa.Integer(), primary_key=True),
        moment("typed_at", index=True),
        column("fields", sa.Text()),
    )
    op.create_table(
        "job_pieces",
        to("job_id", "jobs", named="fk_job_pieces_job_id_jobs", ondelete="CASCADE", primary_key=True),
        column("place", sa.Integer(), primary_key=True),
        column("content", sa.LargeBinary()),
    )
    op.create_table(
        "joining_lists",
        to("programme_id", "programmes"),
        key(),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at", index=True),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
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
    op.create_table(
        "pace_choices",
        to("user_id", "users", named="fk_pace_choices_user_id_users", ondelete="CASCADE", primary_key=True),
        one_of("pace", "pace", "at_once", "daily", "off"),
    )
    op.create_table(
        "recovery_codes",
        key(),
        to("user_id", "users", named="fk_recovery_codes_user_id_users", ondelete="CASCADE"),
        column("digest", sa.LargeBinary(32)),
        moment("made_at"),
        moment("used_at", nullable=True),
        sa.UniqueConstraint("user_id", "digest"),
    )
    op.create_table(
        "register_changes",
        key(),
        to("import_id", "register_imports", index=True),
        one_of("kind", "kind", "authority", "school", "site"),
        one_of("nature", "nature", "new", "returned", "changed", "moved", "gone"),
        column("fase", sa.Integer()),
        column("name", sa.Text()),
        column("authority_fase", sa.Integer(), index=True),
        column("field", sa.String(40)),
        column("before", sa.Text()),
        column("after", sa.Text()),
    )


def _tables_3() -> None:
    op.create_table(
        "role_holders",
        to("user_id", "users", ondelete="CASCADE", primary_key=True),
        to("role_id", "roles", primary_key=True),
    )
    op.create_table(
        "schools",
        key(),
        column("fase", sa.Integer(), unique=True),
        column("company_number", sa.String(10), nullable=True),
        column("zone", sa.String(60), index=True),
        column("district", sa.String(60)),
        column("province", sa.String(40), nullable=True, index=True),
        column("folded", sa.Text()),
        to("created_by", "register_imports", nullable=True, index=True),
        column("name", sa.String(200)),
        column("corrected_name", sa.String(200), nullable=True),
        column("address", sa.String(200)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        column("municipality", sa.String(100)),
    )
    op.create_table(
        "sealed_entries",
        column("entry_id", sa.Integer(), primary_key=True),
        to("seal_id", "audit_seals", named="fk_sealed_entries_seal_id_audit_seals", index=True),
        column("salt", sa.String(32), nullable=True),
        column("words", sa.String(64)),
        column("digest", sa.String(64)),
    )
    op.create_table(
        "second_factors",
        to("user_id", "users", named="fk_second_factors_user_id_users", ondelete="CASCADE", primary_key=True),
        column("sealed", sa.String(255)),
        moment("set_up_at"),
        column("counter", sa.Integer()),
    )
    op.create_table(
        "segment_versions",
        key(),
        to("segment_id", "saved_segments", named="fk_segment_versions_segment_id_saved_segments"),
        column("number", sa.Integer()),
        column("criteria", sa.Text()),
        column("made_by", sa.String(255)),
        moment("made_at"),
        sa.UniqueConstraint("segment_id", "number"),
    )
    op.create_table(
        "sessions",
        key(),
        column("digest", sa.LargeBinary(32), unique=True),
        to("user_id", "users", ondelete="CASCADE", index=True),
        moment("began_at", index=True),
        column("browser", sa.String(60)),
        column("has_factor", sa.Boolean()),
    )
    op.create_table(
        "sites",
        key(),
        column("fase", sa.Integer(), unique=True),
        to("created_by", "register_imports", nullable=True, index=True),
        column("address", sa.String(200)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        column("municipality", sa.String(100)),
    )
    op.create_table(
        "staff_identities",
        to("user_id", "users", named="fk_staff_identities_user_id_users", ondelete="CASCADE", primary_key=True),
        column("issuer", sa.String(255)),
        column("subject", sa.String(255)),
        moment("bound_at"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "strands",
        key(),
        to("programme_id", "programmes"),
        column("number", sa.Integer()),
        column("name", sa.String(200)),
        column("circular", sa.String(40)),
        column("opened_on", sa.Date()),
        one_of("level", "strand_level", "nursery", "primary", "secondary"),
        sa.UniqueConstraint("programme_id", "number"),
    )
    op.create_table(
        "adherence_records",
        key(),
        to("school_id", "schools"),
        to("strand_id", "strands", index=True),
        one_of(
            "status", "status", *"joined tender_launched in_preparation declined informed not_concerned none".split()
        ),
        one_of("word", "word", "declared", "confirmed"),
        column("effective_on", sa.Date()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        column("source", sa.String(200)),
        column("reason", sa.Text()),
        to("list_id", "joining_lists", nullable=True, index=True),
    )
    op.create_index("ix_adherence_records_school_id_strand_id", "adherence_records", ["school_id", "strand_id"])
    op.create_table(
        "asked_notes",
        key(),
        column("title", sa.String(200)),
        column("request", sa.Text()),
        column("asked_by", sa.String(255), index=True),
        moment("asked_at"),
        to("note_id", "notes", nullable=True, index=True),
    )
    op.create_table(
        "authority_list_members",
        to("list_id", "authority_lists", named="fk_authority_list_members_list_id_authority_lists", primary_key=True),
        to(
            "authority_id",
            "authorities",
            named="fk_authority_list_members_authority_id_authorities",
            primary_key=True,
            index=True,
        ),
    )
    op.create_table(
        "calls",
        key(),
        to("authority_id", "authorities", named="fk_calls_authority_id_authorities", index=True),
        one_of("kind", "call_kind", "phone", "meeting", "written"),
        column("day", sa.Date()),
        column("person", sa.String(200)),
        column("note", sa.Text()),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    op.create_table(
        "campaigns",
        key(),
        one_of("state", "campaign_state", "draft", "to_approve", "approved", "closed", "cancelled"),
        column("title", sa.String(200)),
        column("purpose", sa.Text()),
        one_of("colour", "colour", "red", "blue", "green", "grey"),
        column("circular", sa.String(40)),
        column("circular_url", sa.String(500)),
        one_of("message_class", "campaign_class", "awareness", "statutory"),
        to("strand_id", "strands", index=True),
        one_of("concerns", "concerns", "open", "joined", "listed"),
        one_of("boxes", "boxes", "authority", "schools", "both"),
        column("criteria", sa.Text()),
        column("subject", sa.Text()),
        column("preheader", sa.Text()),
        column("letter", sa.Text()),
        one_of("tracking", "tracking_mode", "none", "clicks", "aggregate", "individual"),
        column("deadline_days", sa.Integer()),
        moment("starts_at", nullable=True),
        column("reminders", sa.String(100)),
        column("ladder", sa.String(300), server_default=""),
        column("departure_gap", sa.Integer(), server_default="0"),
        column("first_come", sa.Boolean(), nullable=True),
        column("stops_on", sa.Date(), nullable=True),
        column("sender_name", sa.String(200)),
        column("sender_address", sa.String(300)),
        column("contact_name", sa.String(200)),
        column("contact_service", sa.String(200)),
        column("contact_phone", sa.String(40)),
        column("contact_email", sa.String(320)),
        moment("created_at"),
        column("created_by", sa.String(255)),
        column("calm_waived", sa.Boolean()),
        to(
            "letterhead_id",
            "letterhead_versions",
            named="fk_campaigns_letterhead_id_letterhead_versions",
            nullable=True,
        ),
    )
    op.create_table(
        "contacts",
        key(),
        to("authority_id", "authorities", index=True),
        column("address", sa.String(320)),
        column("address_key", sa.String(320), index=True),
        column("address_ascii", sa.String(320)),
        column("name", sa.String(200)),
        column("function", sa.String(200)),
        column("phone", sa.String(40)),
        column("usage", sa.String(200)),
        one_of("mailbox_kind", "mailbox_kind", "impersonal", "personal"),
        one_of("source", "contact_source", "derived", "staff", "list"),
        column("source_note", sa.String(200)),
        moment("added_at"),
        column("added_by", sa.String(255)),
        moment("changed_at", nullable=True),
        column("changed_by", sa.String(255), nullable=True),
        moment("bounced_at", nullable=True),
        moment("review_asked_at", nullable=True),
        moment("reviewed_at", nullable=True),
        column("reviewed_by", sa.String(255), nullable=True),
        moment("retired_at", nullable=True, index=True),
        column("retired_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(changed_at IS NULL) = (changed_by IS NULL)", name="changed"),
        sa.CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retired"),
        sa.CheckConstraint("(reviewed_at IS NULL) = (reviewed_by IS NULL)", name="reviewed"),
    )
    op.create_index(
        "uq_contacts_in_use", "contacts", ["authority_id", "address_key"], unique=True, **where("retired_at IS NULL")
    )
    op.create_table(
        "covered_networks",
        to("list_id", "joining_lists", ondelete="CASCADE", primary_key=True),
        to("network_id", "networks", primary_key=True),
        column("complete_until", sa.Date()),
    )
    op.create_table(
        "hook_deliveries",
        key(),
        to("sender_id", "hook_senders"),
        column("webhook_id", sa.String(255)),
        moment("received_at"),
        column("body", sa.Text()),
        column("rows", sa.Integer()),
        column("complete_until", sa.Date(), nullable=True),
        one_of("state", "delivery_state", "waiting", "applied"),
        moment("applied_at", nullable=True),
        to("list_id", "joining_lists", nullable=True, index=True),
        sa.UniqueConstraint("sender_id", "webhook_id"),
    )
    op.create_index("ix_hook_deliveries_state_id", "hook_deliveries", ["state", "id"])
    op.create_table(
        "listings",
        key(),
        to("school_id", "schools", index=True),
        to("authority_id", "authorities"),
        column("since", sa.Date(), nullable=True),
        column("until", sa.Date(), nullable=True),
        to("opened_by", "register_imports", nullable=True, index=True),
        to("closed_by", "register_imports", nullable=True, index=True),
    )
    op.create_index("ix_listings_authority_id_until", "listings", ["authority_id", "until"])
    op.create_index("uq_listings_school_id_current", "listings", ["school_id"], unique=True, **where("until IS NULL"))
    op.create_table(
        "mailings",
        key(),
        one_of("purpose", "purpose", *"campaign test confirmation staff reply letter".split()),
        one_of("gate", "gate", "open", "held", "closed"),
        one_of("message_class", "message_class", "awareness", "statutory"),
        one_of("doubt_policy", "doubt_policy", "hold", "resend"),
        to("strand_id", "strands", named="fk_mailings_strand_id_strands", nullable=True, index=True),
        to("stop_strand_id", "strands", nullable=True, index=True),
        column("letter", sa.Text()),
        column("headers", sa.Text()),
        moment("created_at"),
        moment("filled_at", nullable=True, index=True),
        moment("emptied_at", nullable=True),
    )
    op.create_table(
        "memberships",
        key(),
        to("authority_id", "authorities", index=True),
        to("federation_id", "federations", index=True),
        one_of("level", "level", "nursery", "primary", "secondary"),
        column("since", sa.Date(), nullable=True),
        column("until", sa.Date(), nullable=True),
        to("opened_by", "register_imports", nullable=True, index=True),
        to("closed_by", "register_imports", nullable=True, index=True),
    )
    op.create_table(
        "note_approvals",
        column("position", sa.Integer(), primary_key=True, autoincrement=False),
        to("note_id", "notes", named="fk_note_approvals_note_id_notes", unique=True),
        to("corrects_id", "notes", named="fk_note_approvals_corrects_id_notes", nullable=True, unique=True),
        column("year", sa.Integer()),
        column("rank", sa.Integer()),
        column("number", sa.String(12), unique=True),
        moment("approved_at"),
        column("approved_as", sa.String(200)),
        column("previous_sha256", sa.String(64)),
        column("signature", sa.Text()),
        column("public_key", sa.Text()),
        sa.UniqueConstraint("year", "rank"),
    )
    op.create_table(
        "note_files",
        to("note_id", "notes", named="fk_note_files_note_id_notes", primary_key=True),
        column("kind", sa.String(12), primary_key=True),
        column("sha256", sa.String(64), index=True),
        column("content", sa.LargeBinary()),
    )
    op.create_table(
        "note_publications",
        to("note_id", "notes", named="fk_note_publications_note_id_notes", primary_key=True),
        moment("published_at"),
        column("published_by", sa.String(255)),
    )
    op.create_table(
        "note_rows",
        to("note_id", "notes", named="fk_note_rows_note_id_notes", primary_key=True),
        column("strand", sa.Integer(), primary_key=True),
        column("fase", sa.Integer(), primary_key=True),
        one_of(
            "status", "status", *"joined tender_launched in_preparation declined informed not_concerned none".split()
        ),
        one_of("word", "word", "declared", "confirmed", nullable=True),
        column("effective_on", sa.Date(), nullable=True),
    )
    op.create_table(
        "prerequisites",
        key(),
        to("strand_id", "strands", index=True),
        to("required_id", "strands"),
        column("since", sa.Date()),
        column("until", sa.Date(), nullable=True),
    )
    op.create_table(
        "school_reports",
        key(),
        to("school_id", "schools", index=True),
        to("authority_id", "authorities", index=True),
        one_of("fate", "fate", "gone", "closed"),
        column("since", sa.Date()),
        column("source", sa.String(200)),
        moment("recorded_at"),
        column("recorded_by", sa.String(255)),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
    )
    op.create_index(
        "uq_school_reports_standing",
        "school_reports",
        ["school_id", "authority_id"],
        unique=True,
        **where("withdrawn_at IS NULL"),
    )
    op.create_table(
        "school_sites",
        key(),
        to("school_id", "schools", index=True),
        to("site_id", "sites", index=True),
        column("since", sa.Date(), nullable=True),
        column("until", sa.Date(), nullable=True),
        to("opened_by", "register_imports", nullable=True, index=True),
        to("closed_by", "register_imports", nullable=True, index=True),
    )


def _tables_4() -> None:
    op.create_table(
        "service_letters",
        key(),
        to("authority_id", "authorities", index=True),
        column("address", sa.String(320)),
        column("text", sa.Text()),
        to("text_id", "prepared_texts", nullable=True),
        column("key", sa.String(32), unique=True),
        moment("written_at", index=True),
        column("written_by", sa.String(255), index=True),
        to(
            "letterhead_id",
            "letterhead_versions",
            named="fk_service_letters_letterhead_id_letterhead_versions",
            nullable=True,
        ),
    )
    op.create_table(
        "teachings",
        key(),
        to("school_id", "schools", index=True),
        one_of(
            "education_type",
            "education_type",
            "Maternel ordinaire",
            "Maternel spécialisé",
            "Primaire ordinaire",
            "Primaire spécialisé",
            "Secondaire ordinaire",
            "Secondaire spécialisé",
            "Secondaire CEFA",
        ),
        column("since", sa.Date(), nullable=True),
        column("until", sa.Date(), nullable=True),
        to("opened_by", "register_imports", nullable=True, index=True),
        to("closed_by", "register_imports", nullable=True, index=True),
    )
    op.create_table(
        "account_letters",
        to("mailing_id", "mailings", named="fk_account_letters_mailing_id_mailings", primary_key=True),
        to(
            "link_id", "account_links", named="fk_account_letters_link_id_account_links", ondelete="CASCADE", index=True
        ),
    )
    op.create_table(
        "added_reminders",
        key(),
        to("campaign_id", "campaigns", named="fk_added_reminders_campaign_id_campaigns", index=True),
        one_of("state", "reminder_state", "draft", "to_approve", "approved", "abandoned"),
        column("subject", sa.Text()),
        column("letter", sa.Text()),
        moment("asked_at"),
        moment("created_at"),
        column("created_by", sa.String(255)),
    )
    op.create_table(
        "approved_letters",
        to("campaign_id", "campaigns", named="fk_approved_letters_campaign_id_campaigns", primary_key=True),
        column("digest", sa.String(64), primary_key=True),
        column("subject", sa.Text()),
        column("preheader", sa.Text()),
        column("letter", sa.Text()),
    )
    op.create_table(
        "audience_exceptions",
        key(),
        to("campaign_id", "campaigns", index=True),
        moment("at"),
        column("actor", sa.String(255)),
        column("reason", sa.Text()),
        moment("withdrawn_at", nullable=True),
        column("withdrawn_by", sa.String(255), nullable=True),
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
        "campaign_rehearsals",
        key(),
        to("campaign_id", "campaigns", index=True),
        column("content_digest", sa.String(64)),
        column("audience_digest", sa.String(64)),
        column("outcome", sa.Text()),
        moment("at", index=True),
        column("played_by", sa.String(255)),
    )
    op.create_table(
        "campaign_segments",
        to("campaign_id", "campaigns", named="fk_campaign_segments_campaign_id_campaigns", primary_key=True),
        to("version_id", "segment_versions", named="fk_campaign_segments_version_id_segment_versions", index=True),
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
    )
    op.create_table(
        "contact_list_lines",
        to("list_id", "contact_lists", named="fk_contact_list_lines_list_id_contact_lists", primary_key=True),
        to("contact_id", "contacts", named="fk_contact_list_lines_contact_id_contacts", primary_key=True, index=True),
        one_of("nature", "line_nature", "new", "changed", "withdrawn"),
        column("before", sa.Text()),
    )
    op.create_table(
        "contact_schools",
        to("contact_id", "contacts", primary_key=True),
        to("school_id", "schools", primary_key=True, index=True),
    )
    op.create_table(
        "draw_attempts",
        key(),
        to("campaign_id", "campaigns"),
        column("number", sa.Integer()),
        column("commitment", sa.String(64)),
        column("nonce", sa.String(64)),
        column("plan", sa.Text()),
        column("plan_digest", sa.String(64)),
        column("list_digest", sa.String(64)),
        moment("submitted_at"),
        column("approver_bytes", sa.String(32), nullable=True),
        column("content_digest", sa.String(64), nullable=True),
        column("seed", sa.String(64), nullable=True),
        moment("drawn_at", nullable=True),
        moment("voided_at", nullable=True),
        sa.CheckConstraint("drawn_at IS NULL OR voided_at IS NULL", name="once"),
        sa.CheckConstraint("(drawn_at IS NULL) = (seed IS NULL)", name="seeded"),
        sa.UniqueConstraint("campaign_id", "number"),
    )
    op.create_table(
        "follow_up_steps",
        key(),
        to("authority_id", "authorities", named="fk_follow_up_steps_authority_id_authorities"),
        one_of("step", "follow_up_kind", "taken", "released", "postponed", "confirmed"),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
        column("day", sa.Date(), nullable=True),
        to("contact_id", "contacts", named="fk_follow_up_steps_contact_id_contacts", nullable=True, index=True),
        sa.CheckConstraint("(contact_id IS NOT NULL) = (step = 'confirmed')", name="contact"),
        sa.CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
    )
    op.create_index("ix_follow_up_steps_authority_id_id", "follow_up_steps", ["authority_id", "id"])
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
        "hook_rows",
        key(),
        to("delivery_id", "hook_deliveries", index=True),
        column("content", sa.Text()),
        column("fault", sa.Text()),
        one_of("judgement", "judgement", "retried", "dropped", nullable=True),
        moment("judged_at", nullable=True),
        column("judged_by", sa.String(255), nullable=True),
        sa.CheckConstraint("(judged_at IS NULL) = (judgement IS NULL)", name="judged"),
    )
    op.create_table(
        "paper_batches",
        key(),
        to("campaign_id", "campaigns", index=True),
        to("mailing_id", "mailings", index=True),
        moment("made_at"),
        column("made_by", sa.String(255)),
        column("letters", sa.Integer()),
        column("has_sheet", sa.Boolean()),
    )
    op.create_table(
        "proposals",
        key(),
        one_of("kind", "proposal_kind", "address", "school"),
        one_of("state", "proposal_state", "waiting", "accepted", "refused", index=True),
        to("authority_id", "authorities", index=True),
        to("contact_id", "contacts", nullable=True, index=True),
        to("school_id", "schools", nullable=True, index=True),
        column("address", sa.String(320)),
        column("said", sa.Text()),
        one_of("scope_kind", "scope_kind", "federation", "network"),
        column("scope_code", sa.String(60)),
        moment("proposed_at"),
        column("proposed_by", sa.String(255)),
        moment("decided_at", nullable=True),
        column("decided_by", sa.String(255), nullable=True),
        column("answer", sa.Text()),
        sa.CheckConstraint("(kind = 'school') = (school_id IS NOT NULL)", name="about"),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided"),
    )
    op.create_table(
        "record_withdrawals",
        to(
            "record_id",
            "adherence_records",
            named="fk_record_withdrawals_record_id_adherence_records",
            primary_key=True,
        ),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    op.create_table(
        "tracked_links",
        to("mailing_id", "mailings", primary_key=True),
        column("number", sa.SmallInteger(), primary_key=True),
        column("url", sa.Text()),
    )
    op.create_table(
        "trackers",
        key(),
        to("mailing_id", "mailings", index=True),
        column("public_id", sa.String(16), unique=True),
        column("name", sa.String(200)),
        column("recipients", sa.Integer()),
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
        sa.CheckConstraint("kind <> 'consent' OR (wording <> '' AND channel <> '')", name="consent"),
        sa.CheckConstraint("kind <> 'decision' OR reference <> ''", name="decision"),
    )
    op.create_table(
        "basis_withdrawals",
        to("basis_id", "tracking_bases", named="fk_basis_withdrawals_basis_id_tracking_bases", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
        column("channel", sa.String(200)),
    )
    op.create_table(
        "drawn_authorities",
        to("attempt_id", "draw_attempts", primary_key=True),
        to("authority_id", "authorities", primary_key=True, index=True),
        column("fase", sa.Integer()),
        column("stratum", sa.String(300)),
        one_of("outside", "outside_reason", "shared_mailbox", "too_few", nullable=True),
        column("letters", sa.Integer()),
        column("place", sa.Integer(), nullable=True),
        column("departure", sa.Integer(), nullable=True),
        sa.CheckConstraint("departure BETWEEN 1 AND 3", name="departure"),
        sa.CheckConstraint("(outside IS NULL) = (stratum <> '')", name="outside"),
    )
    op.create_table(
        "drawn_effects",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("attempt_id", "draw_attempts", index=True),
        to("list_id", "joining_lists", index=True),
        moment("frozen_at"),
        column("outcome", sa.Text()),
    )
    op.create_table(
        "excepted_authorities",
        to("exception_id", "audience_exceptions", primary_key=True),
        to("authority_id", "authorities", primary_key=True, index=True),
        column("letters", sa.Integer()),
    )
    op.create_table(
        "followed_draws",
        to("campaign_id", "campaigns", primary_key=True, autoincrement=False),
        to("attempt_id", "draw_attempts", index=True),
        moment("followed_at"),
    )


def _tables_5() -> None:
    op.create_table(
        "hit_counts",
        to("tracker_id", "trackers", primary_key=True),
        column("link", sa.SmallInteger(), primary_key=True),
        moment("hour", primary_key=True),
        one_of("hit_class", "hit_class", "human", "undetermined", "machine", primary_key=True),
        column("count", sa.Integer()),
    )
    op.create_table(
        "messages",
        column("id", KEY, primary_key=True),
        to("mailing_id", "mailings"),
        to("batch_id", "batches"),
        to("authority_id", "authorities", nullable=True),
        to("federation_id", "federations", nullable=True),
        column("address", sa.String(320)),
        column("address_key", sa.String(320)),
        column("address_ascii", sa.String(320)),
        column("public_id", sa.String(16), unique=True),
        moment("dated_at"),
        column("return_path", sa.String(320)),
        one_of("state", "message_state", *"queued handing accepted refused expired in_doubt withdrawn".split()),
        one_of(
            "reason",
            "withdrawal_reason",
            *(
                "left_out reported joined not_concerned answered written outside no_address bounced unreviewed "
                "suppressed drawn solicited trial cancelled"
            ).split(),
            nullable=True,
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
        sa.CheckConstraint("authority_id IS NULL OR federation_id IS NULL", name="recipient"),
        sa.CheckConstraint("(state = 'withdrawn') = (reason IS NOT NULL)", name="withdrawn"),
        sa.UniqueConstraint("authority_id", "mailing_id", "address_key"),
    )
    op.create_index("ix_messages_handing", "messages", ["worker_id"], **where("state = 'handing'"))
    op.create_index("ix_messages_in_doubt", "messages", ["fence_id"], **where("state = 'in_doubt'"))
    op.create_index("ix_messages_mailing_id_state_reason", "messages", ["mailing_id", "state", "reason"])
    op.create_index("ix_messages_queued", "messages", ["batch_id", "due_at"], **where("state = 'queued'"))
    op.create_index("ix_messages_refused", "messages", ["address_key"], **where("state = 'refused'"))
    op.create_index(
        "uq_messages_federation_id_mailing_id_address_key",
        "messages",
        ["federation_id", "mailing_id", "address_key"],
        unique=True,
        **where("federation_id IS NOT NULL"),
    )
    op.create_table(
        "tracker_networks",
        to("tracker_id", "trackers", primary_key=True),
        to("network_id", "networks", primary_key=True, index=True),
    )
    op.create_table(
        "waves",
        key(),
        to("campaign_id", "campaigns"),
        column("number", sa.Integer()),
        column("reminder", sa.Integer()),
        one_of("state", "wave_state", *"planned running paused finished cancelled missed".split()),
        moment("due_at", index=True),
        moment("latest_start"),
        column("answer_by", sa.Date(), nullable=True),
        to("mailing_id", "mailings", nullable=True, unique=True),
        column("drifted_from", sa.Integer(), nullable=True),
        to(
            "added_reminder_id",
            "added_reminders",
            named="fk_waves_added_reminder_id_added_reminders",
            nullable=True,
            index=True,
        ),
        moment("ranked_at", nullable=True),
        column("is_staged", sa.Boolean()),
        column("departure", sa.Integer(), nullable=True),
        column("confirmed_authorities", sa.Integer(), nullable=True),
        column("confirmed_letters", sa.Integer(), nullable=True),
        sa.UniqueConstraint("campaign_id", "number"),
    )
    op.create_table(
        "answer_lists",
        to("message_id", "messages", named="fk_answer_lists_message_id_messages", kind=KEY, index=True),
        key(),
        one_of("state", "list_state", "received", "applied", "undone"),
        column("sha256", sa.String(64)),
        column("grid", sa.Text()),
        column("outcome", sa.Text()),
        moment("received_at", index=True),
        column("received_by", sa.String(255)),
        moment("applied_at", nullable=True),
        column("applied_by", sa.String(255), nullable=True),
        moment("undone_at", nullable=True),
        column("undone_by", sa.String(255), nullable=True),
    )
    op.create_table(
        "bounce_notices",
        key(),
        column("digest", sa.String(64), unique=True),
        moment("read_at"),
        one_of(
            "verdict",
            "notice_verdict",
            *"failed delayed information complaint unsubscription auto_reply human undetermined".split(),
        ),
        one_of(
            "handling",
            "notice_handling",
            *"refused excluded complained unsubscribed elsewhere too_old unverified nothing".split(),
        ),
        to("message_id", "messages", named="fk_bounce_notices_message_id_messages", kind=KEY, nullable=True),
    )
    op.create_index("ix_bounce_notices_message_id_handling", "bounce_notices", ["message_id", "handling"])
    op.create_table(
        "compositions",
        to("message_id", "messages", kind=KEY, primary_key=True),
        column("revision", sa.Integer()),
        column("content", sa.Text()),
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
    op.create_table(
        "hits",
        column("id", KEY, primary_key=True),
        to("message_id", "messages", kind=KEY),
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
    op.create_index("ix_hits_unjudged", "hits", ["id"], **where("version = 0"))
    op.create_table(
        "message_subjects",
        to("message_id", "messages", kind=KEY, primary_key=True),
        to("school_id", "schools", primary_key=True, index=True),
    )
    op.create_table(
        "reach_steps",
        key(),
        to("mailing_id", "mailings"),
        to("authority_id", "authorities", index=True),
        column("rung", sa.Integer()),
        one_of("channel", "reach_channel", "mailbox", "other_mailbox", "paper", "call"),
        to("message_id", "messages", kind=KEY, index=True),
        one_of("state", "step_state", "due", "printed", "tried", "failed", "stopped"),
        one_of(
            "reason",
            "step_reason",
            *(
                "no_address unreviewed bounced refused expired silent follows returned unfit_address "
                "no_other_mailbox wrong_number not_reached joined answered arrived unsubscribed complaint "
                "excluded left_out not_concerned ended"
            ).split(),
            nullable=True,
        ),
        moment("due_at"),
        column("taken_by", sa.String(255), nullable=True),
        moment("taken_until", nullable=True),
        sa.CheckConstraint("channel <> 'mailbox'", name="not_the_wave"),
        sa.CheckConstraint("rung > 0", name="rung"),
        sa.CheckConstraint("(taken_by IS NULL) = (taken_until IS NULL)", name="taken"),
        sa.UniqueConstraint("mailing_id", "authority_id", "rung"),
    )
    op.create_index(
        "uq_reach_steps_open",
        "reach_steps",
        ["mailing_id", "authority_id"],
        unique=True,
        **where("state IN ('due', 'printed')"),
    )
    op.create_table(
        "receipt_copies",
        to("message_id", "messages", named="fk_receipt_copies_message_id_messages", kind=KEY, primary_key=True),
        to("copy_id", "messages", named="fk_receipt_copies_copy_id_messages", kind=KEY, unique=True),
        moment("asked_at"),
    )
    op.create_table(
        "responses",
        key(),
        to("message_id", "messages", named="fk_responses_message_id_messages", kind=KEY, index=True),
        to("authority_id", "authorities", named="fk_responses_authority_id_authorities"),
        to("strand_id", "strands", named="fk_responses_strand_id_strands", index=True),
        one_of(
            "answer",
            "answer",
            *"joined in_preparation tender_launched informed declined not_concerned help wrong_contact".split(),
        ),
        column("comment", sa.Text()),
        column("proposed_address", sa.String(320)),
        moment("given_at", index=True),
    )
    op.create_index("ix_responses_authority_id_strand_id", "responses", ["authority_id", "strand_id"])
    op.create_table(
        "staged_authorities",
        to("wave_id", "waves", named="fk_staged_authorities_wave_id_waves", primary_key=True),
        to(
            "authority_id",
            "authorities",
            named="fk_staged_authorities_authority_id_authorities",
            primary_key=True,
            index=True,
        ),
        column("letters", sa.Integer()),
        column("of_schools", sa.Integer()),
    )
    op.create_table(
        "wave_transitions",
        key(),
        to("wave_id", "waves", index=True),
        one_of("state", "reached_wave_state", *"planned running paused finished cancelled missed".split()),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
    )
    op.create_table(
        "bounce_reports",
        to("notice_id", "bounce_notices", named="fk_bounce_reports_notice_id_bounce_notices", primary_key=True),
        column("number", sa.Integer(), primary_key=True),
        column("recipient", sa.String(320)),
        one_of(
            "verdict",
            "report_verdict",
            *"failed delayed information complaint unsubscription auto_reply human undetermined".split(),
        ),
        column("status", sa.String(12)),
        column("said", sa.Text()),
    )
    op.create_table(
        "exemption_withdrawals",
        to("exemption_id", "exemptions", named="fk_exemption_withdrawals_exemption_id_exemptions", primary_key=True),
        moment("withdrawn_at"),
        column("withdrawn_by", sa.String(255)),
    )
    op.create_table(
        "paper_letters",
        key(),
        to("batch_id", "paper_batches", index=True),
        to("step_id", "reach_steps", index=True),
        column("place", sa.Integer()),
        column("code_digest", sa.LargeBinary(16), nullable=True, unique=True),
        column("recipient", sa.String(200)),
        column("street", sa.String(200)),
        column("house_number", sa.String(20)),
        column("box", sa.String(20)),
        column("postcode", sa.String(10)),
        column("locality", sa.String(100)),
        column("school_keys", sa.Text()),
    )
    op.create_table(
        "reach_answers",
        to("response_id", "responses", primary_key=True, autoincrement=False),
        to("step_id", "reach_steps", index=True),
    )
    op.create_table(
        "reach_calls",
        to("call_id", "calls", primary_key=True, autoincrement=False),
        to("step_id", "reach_steps", index=True),
        one_of("outcome", "call_outcome", "reached", "not_reached", "call_back", "wrong_number"),
    )
    op.create_table(
        "reach_transitions",
        key(),
        to("step_id", "reach_steps", index=True),
        one_of("state", "reached_step_state", "due", "printed", "tried", "failed", "stopped"),
        moment("at"),
        column("actor", sa.String(255)),
        one_of(
            "reason",
            "reached_step_reason",
            *(
                "no_address unreviewed bounced refused expired silent follows returned unfit_address "
                "no_other_mailbox wrong_number not_reached joined answered arrived unsubscribed complaint "
                "excluded left_out not_concerned ended"
            ).split(),
            nullable=True,
        ),
        column("day", sa.Date(), nullable=True),
        column("note", sa.Text()),
    )
    op.create_table(
        "respondents",
        to("response_id", "responses", named="fk_respondents_response_id_responses", primary_key=True),
        column("name", sa.String(120)),
        column("function", sa.String(120)),
    )
    op.create_table(
        "response_schools",
        to("response_id", "responses", named="fk_response_schools_response_id_responses", primary_key=True),
        to("school_id", "schools", named="fk_response_schools_school_id_schools", primary_key=True, index=True),
    )
    op.create_table(
        "response_steps",
        key(),
        to("response_id", "responses", named="fk_response_steps_response_id_responses"),
        one_of("step", "step", *"taken handled reopened postponed replied released".split()),
        moment("at"),
        column("actor", sa.String(255)),
        column("note", sa.Text()),
        column("day", sa.Date(), nullable=True),
        sa.CheckConstraint("day IS NULL OR step = 'postponed'", name="day"),
    )
    op.create_index("ix_response_steps_response_id_id", "response_steps", ["response_id", "id"])
    op.create_table(
        "service_replies",
        key(),
        to("response_id", "responses", named="fk_service_replies_response_id_responses", nullable=True, index=True),
        to(
            "letter_id",
            "service_letters",
            named="fk_service_replies_letter_id_service_letters",
            nullable=True,
            unique=True,
        ),
        to("message_id", "messages", named="fk_service_replies_message_id_messages", kind=KEY, unique=True),
        to("text_id", "prepared_texts", named="fk_service_replies_text_id_prepared_texts", nullable=True),
        column("key", sa.String(32), unique=True),
        column("subject", sa.Text()),
        column("text", sa.Text()),
        moment("sent_at", index=True),
        column("sent_by", sa.String(255), index=True),
        sa.CheckConstraint("(response_id IS NULL) <> (letter_id IS NULL)", name="about"),
    )
    op.create_table(
        "staff_notices",
        key(),
        to("user_id", "users", named="fk_staff_notices_user_id_users", ondelete="CASCADE"),
        to("decision_id", "decisions", named="fk_staff_notices_decision_id_decisions", nullable=True, index=True),
        to(
            "wave_transition_id",
            "wave_transitions",
            named="fk_staff_notices_wave_transition_id_wave_transitions",
            nullable=True,
            index=True,
        ),
        moment("due_at"),
        moment("settled_at", nullable=True, index=True),
        to("mailing_id", "mailings", named="fk_staff_notices_mailing_id_mailings", nullable=True),
        sa.CheckConstraint("(decision_id IS NULL) <> (wave_transition_id IS NULL)", name="about"),
        sa.UniqueConstraint("user_id", "decision_id"),
        sa.UniqueConstraint("user_id", "wave_transition_id"),
    )
    op.create_index("ix_staff_notices_waiting", "staff_notices", ["due_at"], **where("settled_at IS NULL"))
    op.create_table("waiting_responses", to("response_id", "responses", primary_key=True, autoincrement=False))
