"""Every row of a copy of a database, read by plain SQL: `SELECT * FROM table`, and nothing of the product."""

import re
import sqlite3
from datetime import UTC, date, datetime

import psycopg
from psycopg.rows import dict_row

# What a launch keeps of classes is not among them: the auditor works classes out itself.
TABLES = (
    *("networks", "federations", "authorities", "schools", "listings", "teachings", "memberships", "register_imports"),
    *("register_changes", "school_sites"),
    *("school_reports", "contacts", "contact_schools", "programmes", "strands", "joining_lists", "adherence_records"),
    *("record_withdrawals", "campaigns", "waves", "wave_transitions", "added_reminders", "audience_exceptions"),
    *("excepted_authorities", "mailings", "messages", "message_subjects", "suppressions", "responses", "respondents"),
    *("response_schools", "reach_steps", "reach_transitions", "reach_calls", "calls", "paper_letters"),
    *("bounce_notices", "returns_readings", "hits", "notes", "authority_list_members"),
    *("tracking_bases", "basis_withdrawals", "draw_attempts", "drawn_authorities", "followed_draws"),
)
LATER = ("sent_forms", "received_mails")  # of a later revision than some databases have
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
DAYS = {"since", "until", "day", "as_of"}
MOMENTS = {"at", "latest_start", "taken_until", "lease_until", "known_from"}


class Row(dict):
    """A row, whose columns are attributes."""

    def __getattr__(self, column):
        try:
            return self[column]
        except KeyError:
            raise AttributeError(column) from None


def of(url):
    """All rows of a database, by table, from its address as the product writes it."""
    if url.startswith("sqlite"):
        return _of_sqlite(url.partition(":///")[2])
    return _of_postgresql(url.replace("postgresql+psycopg:", "postgresql:"))


def _of_sqlite(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        return _every(connection, "SELECT name FROM sqlite_master")
    finally:
        connection.close()


def _of_postgresql(url):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _every(connection, "SELECT table_name AS name FROM information_schema.tables")


def _every(connection, names):
    there = {row["name"] for row in connection.execute(names)}
    found = {name: [] for name in LATER}
    for table in (*TABLES, *(name for name in LATER if name in there)):
        found[table] = [Row(_read(dict(row))) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608
    return found


def _read(row):
    return {column: _value(column, value) for column, value in row.items()}


def _value(column, value):
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, str):
        if (column.endswith("_at") or column in MOMENTS) and MOMENT.fullmatch(value):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        if (column.endswith(("_on", "_until")) or column in DAYS) and DAY.fullmatch(value):
            return date.fromisoformat(value)
    return value
