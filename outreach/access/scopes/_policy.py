"""What a scope sees: whose it is, which rows of each table, and the SQL of the views that say so.

A table that is not declared here is seen by nobody, and a test fails until it is declared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Dialect, LargeBinary, String, Table

from outreach.core.db import Base
from outreach.core.text.labelled import Labelled


class ScopeKind(Labelled):
    """What a scope is bound to."""

    FEDERATION = "federation", "fédération"
    NETWORK = "network", "réseau"


@dataclass(frozen=True, slots=True)
class AccessScope:
    """The members of a federation (by its code), with the schools of the levels for which it represents each of them;
    or the authorities of a network (by its code), with all their schools.

    Members are today's, also on a page about a day of the past. A code that names nothing sees nothing.
    """

    kind: ScopeKind
    code: str


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
    # When and how, never in which words.
    "address_confirmations": Scoped({"contact_id": "contacts"}, masked=("note",)),
    "register_changes": ByValue(
        "t.nature <> 'moved' AND t.authority_fase IN (SELECT fase FROM {v}authorities)"
        " AND (t.kind <> 'school' OR t.fase IN (SELECT fase FROM {v}schools))"
        " AND (t.kind <> 'site' OR t.fase IN (SELECT fase FROM {v}sites))"
    ),
    "name_corrections": ByValue(_BY_FASE),
    "school_reports": Scoped({"school_id": SCHOOLS, "authority_id": AUTHORITIES}, masked=("source",)),
    # A page shows those of its own federation or network. What authorities report is the service's, till it accepts.
    "proposals": Scoped(
        {"authority_id": AUTHORITIES}, "t.scope_kind IS NOT NULL", beside=("contact_id", "school_id", "message_id")
    ),
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
        masked=("digest", "ident", "sender", "sender_key", "sender_name", "subject", "text", "folded", "settled_by"),
        beside=("message_id",),
    ),
    "received_files": Hidden(),
    "received_mail_steps": Hidden(),
    "mailed_responses": Hidden(),
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
    "note_revisions": Hidden(),
    "looked_imports": Hidden(),
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


HIDDEN = Hidden()
# Functions of one argument: PostgreSQL takes `x.name` for a call of one where x has no such column.
CALLED_BY_A_DOT = (
    "SELECT DISTINCT proname FROM pg_proc WHERE 1 BETWEEN pronargs - pronargdefaults AND pronargs OR provariadic <> 0"
)
WHO = frozenset({"actor"})  # beside what ends in `_by`: the columns that name a person of the service


def places(dialect: Dialect, schema: str) -> dict[str, str]:
    """What stands before a name: `v` of what is seen, `r` of a whole table."""
    is_sqlite = dialect.name == "sqlite"
    return {"v": "temp.", "r": "main."} if is_sqlite else {"v": "pg_temp.", "r": f"{schema}."}


def made(dialect: Dialect, schema: str) -> Iterator[str]:
    """The statements that make the tables of keys, which are empty, and the views. A new connection executes them
    before any other: a statement that was prepared earlier would read the whole tables."""
    before = places(dialect, schema)
    ends = "" if dialect.name == "sqlite" else " ON COMMIT DELETE ROWS"
    for name, column in KEYS.items():
        yield f"CREATE TEMP TABLE {name} ({column}){ends}"
    known = Base.metadata.tables
    for name in names():
        if name not in known:  # a process that sends does not load every table
            yield f"CREATE TEMP VIEW {name} AS SELECT NULL AS unseen WHERE 1 = 0"
            continue
        seen = TABLES.get(name, HIDDEN)
        parents = seen.paths.values() if isinstance(seen, Scoped) else ()
        is_whole = all(parent in known or parent in KEYS for parent in parents)
        yield view(known[name], seen if is_whole else HIDDEN, dialect, before)


def names() -> Sequence[str]:
    """The tables before which a view stands."""
    return *TABLES, *sorted(Base.metadata.tables.keys() - TABLES.keys())


def columns() -> frozenset[str]:
    """How the columns of all tables are called."""
    return frozenset(column.name for table in Base.metadata.tables.values() for column in table.c)


def view(table: Table, seen: Seen, dialect: Dialect, before: dict[str, str]) -> str:
    """The statement that makes the view before a table."""
    masked = set(getattr(seen, "masked", ()))
    columns = ", ".join(
        _shown(column, dialect, is_masked=_names_person(column) or column.name in masked) for column in table.c
    )
    conditions = [f"({each.format(**before)})" for each in _conditions(seen)]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"CREATE TEMP VIEW {table.name} AS SELECT {columns} FROM {before['r']}{table.name} t{where}"


def _conditions(seen: Seen) -> Iterator[str]:
    match seen:
        case Hidden():
            yield "1 = 0"
        case ByValue(where):
            yield where
        case Scoped(paths, where):
            # With a plain column the planner would begin with the keys, which costs four to six times as much.
            for column, parent in paths.items():
                if parent in KEYS:
                    yield f"+t.{column} IN (SELECT id FROM {{v}}{parent})"
                else:
                    yield f"EXISTS (SELECT 1 FROM {{v}}{parent} p WHERE p.id = t.{column})"
            if where:
                yield where
        case Public():
            pass


def _names_person(column: Column[Any]) -> bool:
    """Whether a column names who of the service did something."""
    is_named = column.name.endswith("_by") or column.name in WHO
    return is_named and isinstance(column.type, String)


def _shown(column: Column[Any], dialect: Dialect, *, is_masked: bool) -> str:
    if not is_masked:
        return f"t.{column.name}"
    if column.nullable:
        return f"CAST(NULL AS {column.type.compile(dialect)}) AS {column.name}"
    empty = "''" if isinstance(column.type, String) and not isinstance(column.type, LargeBinary) else "NULL"
    return f"CAST({empty} AS {column.type.compile(dialect)}) AS {column.name}"


def emptied() -> Iterator[str]:
    """The statements that empty the tables of keys: whoever has the connection sees nothing then."""
    return (f"DELETE FROM {name}" for name in KEYS)


def filled(scope: AccessScope, dialect: Dialect, schema: str) -> Sequence[tuple[str, tuple[str, ...]]]:
    """The statements that fill the tables of keys for a scope, each with its parameters."""
    before, mark = places(dialect, schema), "?" if dialect.name == "sqlite" else "%s"
    federation = scope.kind is ScopeKind.FEDERATION
    asked = _OF_FEDERATION if federation else _OF_NETWORK
    return [(text.format(**before, code=mark), (scope.code,) * text.count("{code}")) for text in asked]


def stamp(dialect: Dialect, schema: str) -> str:
    """The statement whose row changes with whatever the keys of a scope are found by.

    Editions of the register alone change it: one that is applied or undone says when.
    """
    return _STAMP.format(**places(dialect, schema))


def read() -> Iterator[tuple[str, str]]:
    """For each table of keys, the statement that reads what it holds."""
    return ((name, f"SELECT {column.split()[0]} FROM {name}") for name, column in KEYS.items())


def again(name: str, dialect: Dialect) -> str:
    """The statement that fills a table of keys with those found before, given as one parameter: JSON, or an array."""
    if dialect.name == "sqlite":
        return f"INSERT INTO {name} SELECT value FROM json_each(?)"
    return f"INSERT INTO {name} SELECT unnest(CAST(%s AS {'text' if name == LEVELS else 'integer'}[]))"


_STAMP = (
    "SELECT count(*), count(until), max(id), (SELECT max(id) FROM {r}listings), (SELECT max(id) FROM {r}teachings),"
    " (SELECT max(id) FROM {r}authorities), (SELECT count(*) FROM {r}register_imports),"
    " (SELECT max(applied_at) FROM {r}register_imports), (SELECT max(undone_at) FROM {r}register_imports)"
    " FROM {r}memberships"
)
# The schools that stand under an authority in scope today, or stood there last where they stand nowhere any more, and
# that teach at a level in scope, or taught there last.
_LAST = (
    "(o.until IS NULL OR NOT EXISTS (SELECT 1 FROM {r}listings n WHERE n.school_id = o.school_id AND"
    " (n.until IS NULL OR n.until > o.until)))"
)
_TAUGHT = (
    "(e.until IS NULL OR NOT EXISTS (SELECT 1 FROM {r}teachings n WHERE n.school_id = e.school_id AND n.until IS NULL))"
)
_OF_FEDERATION = (
    f"INSERT INTO {FEDERATIONS} SELECT id FROM {{r}}federations WHERE code = {{code}}",
    f"INSERT INTO {AUTHORITIES} SELECT DISTINCT m.authority_id FROM {{r}}memberships m"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
    f"INSERT INTO {LEVELS} SELECT DISTINCT m.level FROM {{r}}memberships m"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
    f"INSERT INTO {SCHOOLS} SELECT DISTINCT o.school_id FROM {{r}}memberships m"
    f" JOIN {{r}}listings o ON o.authority_id = m.authority_id AND {_LAST}"
    f" JOIN {{r}}teachings e ON e.school_id = o.school_id AND {_TAUGHT}"
    f" AND {LEVEL_OF_TYPE.format('e.education_type')} = m.level"
    f" WHERE m.until IS NULL AND m.federation_id IN (SELECT id FROM {FEDERATIONS})",
)
_OF_NETWORK = (
    f"INSERT INTO {FEDERATIONS} SELECT id FROM {{r}}federations",
    f"INSERT INTO {LEVELS} VALUES ('nursery'), ('primary'), ('secondary')",
    f"INSERT INTO {AUTHORITIES} SELECT a.id FROM {{r}}authorities a"
    " JOIN {r}networks n ON n.id = a.network_id WHERE n.code = {code}",
    f"INSERT INTO {SCHOOLS} SELECT DISTINCT o.school_id FROM {{r}}listings o"
    f" WHERE {_LAST} AND o.authority_id IN (SELECT id FROM {AUTHORITIES})",
)
