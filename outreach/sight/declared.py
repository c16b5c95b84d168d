"""What a scoped session sees of each table: rows in scope, rows by their values, all rows, or none.

A table that is not declared here is seen by nobody, and a test fails until it is declared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

AUTHORITIES, SCHOOLS = "sight_authorities", "sight_schools"  # the tables of keys
FEDERATIONS, LEVELS = "sight_federations", "sight_levels"
KEYS = {AUTHORITIES: "id INTEGER PRIMARY KEY", SCHOOLS: "id INTEGER PRIMARY KEY"}
KEYS |= {FEDERATIONS: "id INTEGER PRIMARY KEY", LEVELS: "level VARCHAR(40) PRIMARY KEY"}
LEVEL_OF_TYPE = "CASE substr({0}, 1, 1) WHEN 'M' THEN 'nursery' WHEN 'P' THEN 'primary' ELSE 'secondary' END"


@dataclass(frozen=True, slots=True)
class Hidden:
    """No row is seen."""


@dataclass(frozen=True, slots=True)
class Public:
    """Every row is seen; the columns that are `masked` are empty in all of them."""

    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scoped:
    """Rows are seen that every path leads to something in scope.

    `paths` names for each column the table of keys that it has to be in, or the table in which its row has to be seen.
    `where` is a condition more on the row, `t`: `{v}` stands before what is seen, `{r}` before a whole table. NULL is
    hidden. `beside` are foreign keys that lead to what everybody sees, or that the condition speaks of.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    masked: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ByValue:
    """Rows are seen that fulfil a condition on `t`: no key of the row leads to what is in scope."""

    where: str
    masked: tuple[str, ...] = ()


Seen = Hidden | Public | Scoped | ByValue

_OF_LIST = ("sha256", "grid", "outcome")
_OF_DATED = ("opened_by", "closed_by")
# A fact of the register about a subject, by the number of its series.
_BY_FASE = (
    "(t.kind = 'authority' AND t.fase IN (SELECT fase FROM {v}authorities))"
    " OR (t.kind = 'school' AND t.fase IN (SELECT fase FROM {v}schools))"
)

# For PostgreSQL: ask anew for each row, as few are asked for. Otherwise it hashes the whole table once a statement.
EACH = " LIMIT 1 OFFSET 0"


def _some_ours(table: str, column: str, row: str = "t", each: str = "") -> str:
    """The condition that a row lists no school, or one in scope at least."""
    return (
        f"(NOT EXISTS (SELECT 1 FROM {{r}}{table} a WHERE a.{column} = {row}.id{each}) OR EXISTS (SELECT 1 FROM"
        f" {{r}}{table} o JOIN {{v}}{SCHOOLS} k ON k.id = o.school_id WHERE o.{column} = {row}.id{each}))"
    )


def _letter(row: str = "t", each: str = "") -> str:
    """The condition that a letter to an authority in scope is about it: it lists no school, or one in scope.

    One for a strand of levels that are not represented is not, also where its school teaches at another, too.
    """
    return (
        f"{_some_ours('message_subjects', 'message_id', row, each)} AND NOT EXISTS (SELECT 1 FROM {{r}}mailings g"
        f" JOIN {{r}}strands d ON d.id = g.strand_id WHERE g.id = {row}.mailing_id"
        f" AND NOT EXISTS (SELECT 1 FROM {{v}}{LEVELS} l WHERE d.levels LIKE '%' || l.level || '%'){each})"
    )


# In this order, as a view may read only those before it.
TABLES: Mapping[str, Seen] = {
    # the directory
    "networks": Public(),
    "federations": Public(),
    "register_imports": Public(_OF_LIST),
    "authorities": Scoped({"id": AUTHORITIES}, beside=("network_id", "created_by")),
    "schools": Scoped({"id": SCHOOLS}, beside=("created_by",)),
    "listings": Scoped({"authority_id": AUTHORITIES, "school_id": SCHOOLS}, beside=_OF_DATED),
    "teachings": Scoped(
        {"school_id": SCHOOLS},
        LEVEL_OF_TYPE.format("t.education_type") + f" IN (SELECT level FROM {{v}}{LEVELS})",
        beside=_OF_DATED,
    ),
    "school_sites": Scoped({"school_id": SCHOOLS}, beside=(*_OF_DATED, "site_id")),
    "sites": ByValue("EXISTS (SELECT 1 FROM {v}school_sites s WHERE s.site_id = t.id)"),
    "memberships": Scoped({"authority_id": AUTHORITIES, "federation_id": FEDERATIONS}, beside=_OF_DATED),
    # One that answers for schools outside the scope alone is theirs.
    "contacts": Scoped(
        {"authority_id": AUTHORITIES},
        _some_ours("contact_schools", "contact_id"),
        masked=("name", "function", "phone", "usage", "source_note"),
    ),
    "contact_schools": Scoped({"school_id": SCHOOLS, "contact_id": "contacts"}),
    "register_changes": ByValue(
        "t.nature <> 'moved' AND t.authority_fase IN (SELECT fase FROM {v}authorities)"
        " AND (t.kind <> 'school' OR t.fase IN (SELECT fase FROM {v}schools))"
        " AND (t.kind <> 'site' OR t.fase IN (SELECT fase FROM {v}sites))"
    ),
    "name_corrections": ByValue(_BY_FASE),
    "school_reports": Scoped({"school_id": SCHOOLS, "authority_id": AUTHORITIES}, masked=("source",)),
    # A page shows those of its own federation or network.
    "proposals": Scoped({"authority_id": AUTHORITIES}, beside=("contact_id", "school_id")),
    # That there was a call, and when: what was said, and by whom, is the service's.
    "calls": Scoped({"authority_id": AUTHORITIES}, masked=("person", "note", "recorded_by", "withdrawn_by")),
    "postal_corrections": Hidden(),
    "postal_returns": Hidden(),
    "contact_lists": Hidden(),
    "contact_list_lines": Hidden(),
    # adherence
    "programmes": Public(),
    "strands": Public(),
    "prerequisites": Public(),
    "joining_lists": Public(_OF_LIST),
    "covered_networks": Public(),
    "adherence_records": Scoped({"school_id": SCHOOLS}, masked=("reason",), beside=("strand_id", "list_id")),
    "record_withdrawals": Scoped({"record_id": "adherence_records"}),
    # letters, to be counted: what they say, and to whom, is on no page that is open to a scope
    "mailings": ByValue("t.purpose IN ('campaign', 'letter')", ("letter", "headers")),
    "messages": Scoped(
        {"authority_id": AUTHORITIES, "mailing_id": "mailings"},
        _letter(),
        masked=("public_id", "return_path", "reply_text"),
        beside=("batch_id", "federation_id"),
    ),
    "message_subjects": Scoped({"school_id": SCHOOLS, "message_id": "messages"}),
    "suppressions": ByValue("EXISTS (SELECT 1 FROM {v}contacts c WHERE c.address_key = t.address_key)", ("detail",)),
    "hits": Scoped({"message_id": "messages"}, masked=("agent",), beside=("tracker_id",)),
    "responses": Scoped(
        {"authority_id": AUTHORITIES, "message_id": "messages"},
        masked=("comment", "proposed_address"),
        beside=("strand_id",),
    ),
    "sent_forms": Scoped({"authority_id": AUTHORITIES, "message_id": "messages"}),
    "quick_forms": Hidden(),
    "response_schools": Scoped({"school_id": SCHOOLS, "response_id": "responses"}),
    "response_steps": Scoped({"response_id": "responses"}, masked=("actor", "note")),
    "acknowledgements": Scoped({"response_id": "responses"}),
    "response_withdrawals": Scoped({"response_id": "responses"}),
    "waiting_responses": Scoped({"response_id": "responses"}),
    "reach_steps": Scoped({"authority_id": AUTHORITIES, "message_id": "messages"}, beside=("mailing_id",)),
    "reach_transitions": Scoped({"step_id": "reach_steps"}, masked=("actor", "note")),
    "reach_answers": Scoped({"step_id": "reach_steps", "response_id": "responses"}),
    "reach_calls": Scoped({"step_id": "reach_steps", "call_id": "calls"}),
    # campaigns: those that are approved, and were planned at least once
    "letterhead_versions": Public(),
    "campaigns": ByValue(
        "t.state IN ('approved', 'closed', 'cancelled') AND EXISTS"
        " (SELECT 1 FROM {r}waves w WHERE w.campaign_id = t.id)",
        (
            *("purpose", "subject", "preheader", "letter", "circular_url"),
            *("sender_name", "sender_address", "contact_name", "contact_service", "contact_phone", "contact_email"),
        ),
    ),
    "added_reminders": Scoped({"campaign_id": "campaigns"}, masked=("subject", "letter")),
    # One that left is seen where it wrote to somebody in scope; of one to come the page counts whom it would write to.
    "waves": Scoped(
        {"campaign_id": "campaigns"},
        # From member to member, each by the index of its letters: what `messages` shows, and soon found.
        f"t.mailing_id IS NULL OR EXISTS (SELECT 1 FROM {{v}}{AUTHORITIES} k WHERE EXISTS (SELECT 1 FROM"
        f" {{r}}messages m WHERE m.authority_id = k.id AND m.mailing_id = t.mailing_id"
        f" AND {_letter('m', EACH)}{EACH}){EACH})",
        beside=("mailing_id", "added_reminder_id"),
    ),
    "wave_transitions": Scoped({"wave_id": "waves"}, masked=("actor", "note")),
    "campaign_transitions": Scoped({"campaign_id": "campaigns"}, masked=("actor", "note", "content_hash")),
    "audience_exceptions": Scoped({"campaign_id": "campaigns"}, masked=("actor", "reason")),
    "excepted_authorities": Scoped({"authority_id": AUTHORITIES, "exception_id": "audience_exceptions"}),
    "campaign_authorities": Scoped({"campaign_id": "campaigns", "authority_id": AUTHORITIES}, beside=("wave_id",)),
    "campaign_schools": Scoped(
        {"campaign_id": "campaigns", "authority_id": AUTHORITIES, "school_id": SCHOOLS}, beside=("wave_id",)
    ),
    "uncounted_campaigns": Scoped({"campaign_id": "campaigns"}),
    "returns_readings": Public(),
    "replies_readings": Public(),
    "bounce_notices": Scoped({"message_id": "messages"}, masked=("digest",)),
    # That somebody wrote back is seen, never what.
    "received_mails": Scoped(
        {"authority_id": AUTHORITIES},
        where="(t.message_id IS NULL OR t.message_id IN (SELECT id FROM {v}messages))",
        masked=("digest", "sender", "sender_key", "sender_name", "subject", "text", "folded", "settled_by"),
        beside=("message_id",),
    ),
    "received_files": Hidden(),
    "paper_letters": Scoped(
        {"step_id": "reach_steps"},
        masked=("code_digest", "recipient", "street", "house_number", "box", "postcode", "locality", "content"),
        beside=("batch_id",),
    ),
    "staged_authorities": Scoped({"authority_id": AUTHORITIES, "wave_id": "waves"}),
    "draw_attempts": Scoped(
        {"campaign_id": "campaigns"},
        masked=(
            *("commitment", "nonce", "plan", "plan_digest", "list_digest"),
            *("approver_bytes", "content_digest", "seed"),
        ),
    ),
    "drawn_authorities": Scoped({"authority_id": AUTHORITIES, "attempt_id": "draw_attempts"}, masked=("stratum",)),
    "followed_draws": Scoped({"campaign_id": "campaigns", "attempt_id": "draw_attempts"}),
    "authority_lists": Public(("name",)),
    "authority_list_members": Scoped({"authority_id": AUTHORITIES}, beside=("list_id",)),
    "exemptions": Scoped({"campaign_id": "campaigns", "wave_id": "waves"}, masked=("actor", "reason")),
    "exemption_withdrawals": Scoped({"exemption_id": "exemptions"}),
    "closures": Public(),
    "closure_withdrawals": Public(),
    # notes: those whose page everybody may read. They hold more: counts by federation, the author's words.
    "notes": ByValue("EXISTS (SELECT 1 FROM {r}note_publications p WHERE p.note_id = t.id)", ("figures", "text")),
    "note_approvals": Scoped({"note_id": "notes"}, beside=("corrects_id",)),
    "note_publications": Public(),
    "note_files": Hidden(),
    "note_rows": Hidden(),
    "public_statements": Public(),
    # everything else
    **dict.fromkeys(
        (
            *("api_keys", "api_writes", "events", "hook_deliveries", "hook_rows", "hook_senders"),
            *("push_targets",),
            *("account_letters", "account_links", "alert_episodes", "answer_lists", "applied_revisions"),
            *("approved_letters", "asked_notes", "audit_entries", "audit_seals", "basis_withdrawals", "batches"),
            *("bounce_reports", "calendar_keys", "campaign_segments"),
            *("clock_passes", "column_matchings", "compositions", "decisions", "deputies", "domain_checks", "drafts"),
            *("drawn_effects", "erasures"),
            *(
                "follow_up_steps",
                "gate_changes",
                "hit_counts",
                "hits_new",
                "installations",
                "job_pieces",
                "jobs",
                "note_drafts",
            ),
            *("note_recounts", "notice_starts", "pace_choices", "paper_batches", "password_requests"),
            *("prepared_texts", "receipt_copies"),
            *("recovery_codes", "rehearsals", "relay_states", "respondents", "retention_changes", "role_holders"),
            *("roles", "saved_segments", "sealed_entries", "second_factors", "segment_versions", "service_letters"),
            *("service_replies", "sessions", "sign_in_attempts", "staff_identities", "staff_notices"),
            *(
                "tracked_links",
                "tracker_networks",
                "trackers",
                "tracking_bases",
                "trail_entries",
                "users",
                "workers",
                "wrong_codes",
            ),
        ),
        Hidden(),
    ),
}
