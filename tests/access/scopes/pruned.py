"""A copy of a database from which everything outside a scope is deleted, as a person would do it by hand."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from outreach.access.scopes._policy import TABLES
from outreach.core.db import Base

TAUGHT = {"M": "nursery", "P": "primary", "S": "secondary"}
OF_LETTERS = ("hits", "responses", "sent_forms", "message_subjects", "reach_steps")
OF_RESPONSES = ("response_schools", "response_steps", "waiting_responses", "acknowledgements", "response_withdrawals")
OF_CAMPAIGNS = (
    *("waves", "added_reminders", "campaign_transitions", "audience_exceptions", "exemptions", "draw_attempts"),
    *("followed_draws", "campaign_authorities", "campaign_schools", "uncounted_campaigns"),
)
HANGING = (
    *((table, "message_id", "messages") for table in OF_LETTERS),
    *((table, "response_id", "responses") for table in OF_RESPONSES),
    *((table, "campaign_id", "campaigns") for table in OF_CAMPAIGNS),
    *(("wave_transitions", "wave_id", "waves"), ("staged_authorities", "wave_id", "waves")),
    *(("exemptions", "wave_id", "waves"), ("exemption_withdrawals", "exemption_id", "exemptions")),
    *(("excepted_authorities", "exception_id", "audience_exceptions"),),
    *(("drawn_authorities", "attempt_id", "draw_attempts"), ("followed_draws", "attempt_id", "draw_attempts")),
    *(("reach_transitions", "step_id", "reach_steps"), ("reach_calls", "step_id", "reach_steps")),
    *(("bounce_notices", "message_id", "messages"), ("received_mails", "message_id", "messages")),
    ("paper_letters", "step_id", "reach_steps"),
    *(("reach_answers", "step_id", "reach_steps"), ("reach_answers", "response_id", "responses")),
    ("note_approvals", "note_id", "notes"),
)
UNSEEN = (
    *(
        "decisions",
        "audit_entries",
        "users",
        "role_holders",
        "roles",
        "batches",
        "approved_letters",
        "tracker_networks",
    ),
    *("trackers", "gate_changes", "applied_revisions", "events", "note_rows", "note_files", "paper_batches"),
)


def members(session, kind, code):
    """The authorities and schools of a scope, and the levels it is about, computed from the register's rows."""
    if kind == "network":
        query = "SELECT a.id FROM authorities a JOIN networks n ON n.id = a.network_id WHERE n.code = :code"
        levels = {key: set(TAUGHT.values()) for (key,) in session.execute(text(query), {"code": code})}
    else:
        query = (
            "SELECT m.authority_id, m.level FROM memberships m JOIN federations f ON f.id = m.federation_id"
            " WHERE f.code = :code AND m.until IS NULL"
        )
        levels = {}
        for key, level in session.execute(text(query), {"code": code}):
            levels.setdefault(key, set()).add(level)
    owners, taught = {}, {}
    for school, owner, until in session.execute(text("SELECT school_id, authority_id, until FROM listings")):
        if school not in owners or (until is None or (owners[school][1] is not None and until > owners[school][1])):
            owners[school] = owner, until
    for school, kind_of, until in session.execute(text("SELECT school_id, education_type, until FROM teachings")):
        taught.setdefault(school, {}).setdefault(until is None, set()).add(TAUGHT[kind_of[0]])
    offered = {school: found.get(True) or found[False] for school, found in taught.items()}
    schools = {
        school
        for school, (owner, _) in owners.items()
        if owner in levels and offered.get(school, set()) & levels[owner]
    }
    return set(levels), schools, set().union(*levels.values())


def prune(database, kind, code):
    """Delete what is outside the scope, and what no scope sees."""
    with database.engine.connect() as connection:
        if database.engine.name == "sqlite":
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = OFF")
        with Session(connection) as session:
            _prune(session, kind, code)
            session.commit()


def _prune(session, kind, code):
    authorities, schools, levels = members(session, kind, code)
    _disarm(session)

    def keep(table, condition):
        session.execute(text(f"DELETE FROM {table} WHERE NOT coalesce({condition}, false)"))

    def among(column, keys):
        return f"{column} IN ({', '.join(map(str, sorted(keys))) or 'NULL'})"

    letters = [f"'{initial}'" for initial, level in TAUGHT.items() if level in levels]
    other = _elsewhere(session, "messages", "message_subjects", "message_id", among("s.school_id", schools))
    of_levels = " OR ".join(f"d.levels LIKE '%{level}%'" for level in levels) or "1 = 0"
    unrepresented = (
        "SELECT m.id FROM messages m JOIN mailings g ON g.id = m.mailing_id JOIN strands d ON d.id = g.strand_id"
        f" WHERE NOT ({of_levels})"
    )
    other |= set(session.scalars(text(unrepresented)))
    elsewhere = _elsewhere(session, "contacts", "contact_schools", "contact_id", among("s.school_id", schools))
    ours = among("authority_id", authorities)
    keep("messages", f"{ours} AND NOT {among('id', other)}" if other else ours)
    keep("contacts", f"{ours} AND NOT {among('id', elsewhere)}" if elsewhere else ours)
    for table in ("listings", "school_reports"):
        keep(table, f"{ours} AND {among('school_id', schools)}")
    for table in (
        *("staged_authorities", "excepted_authorities", "authority_list_members", "responses", "sent_forms"),
        *("proposals", "reach_steps", "drawn_authorities", "campaign_authorities", "calls"),
    ):
        keep(table, ours)
    keep("campaign_schools", f"{ours} AND {among('school_id', schools)}")
    for table in ("school_sites", "adherence_records", "contact_schools", "message_subjects", "response_schools"):
        keep(table, among("school_id", schools))
    keep("teachings", f"{among('school_id', schools)} AND substr(education_type, 1, 1) IN ({', '.join(letters)})")
    keep(
        "memberships",
        ours
        if kind == "network"
        else f"{ours} AND federation_id IN (SELECT id FROM federations WHERE code = '{code}')",
    )
    keep("authorities", among("id", authorities))
    keep("schools", among("id", schools))
    keep("sites", "id IN (SELECT site_id FROM school_sites)")
    keep("record_withdrawals", "record_id IN (SELECT id FROM adherence_records)")
    for table in ("contact_schools", "address_confirmations"):
        keep(table, "contact_id IN (SELECT id FROM contacts)")
    keep("suppressions", "address_key IN (SELECT address_key FROM contacts)")
    numbers = "fase IN (SELECT fase FROM {0})"
    keep(
        "name_corrections",
        f"CASE kind WHEN 'authority' THEN {numbers.format('authorities')} ELSE {numbers.format('schools')} END",
    )
    keep(
        "register_changes",
        "nature <> 'moved' AND authority_fase IN (SELECT fase FROM authorities) AND CASE kind WHEN 'school' THEN"
        f" {numbers.format('schools')} WHEN 'site' THEN {numbers.format('sites')} ELSE true END",
    )
    keep("notes", "id IN (SELECT note_id FROM note_publications)")
    approved = "state IN ('approved', 'closed', 'cancelled') AND id IN (SELECT campaign_id FROM waves)"
    keep("campaigns", approved)
    keep("waves", "mailing_id IS NULL OR mailing_id IN (SELECT mailing_id FROM messages)")
    for table, column, parent in HANGING:
        keep(table, f"{column} IN (SELECT id FROM {parent})")
    keep("mailings", "purpose IN ('campaign', 'letter')")
    for table in UNSEEN:
        session.execute(text(f"DELETE FROM {table}"))


def _disarm(session):
    if session.get_bind().dialect.name == "postgresql":
        for name in TABLES.keys() & Base.metadata.tables.keys():
            session.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER ALL"))
    else:
        for (name,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {name}"))


def _elsewhere(session, table, lists, column, ours):
    """The rows that list schools, and none of ours."""
    lists = f"EXISTS (SELECT 1 FROM {lists} s WHERE s.{column} = t.id"
    return set(session.scalars(text(f"SELECT id FROM {table} t WHERE {lists}) AND NOT {lists} AND {ours})")))
