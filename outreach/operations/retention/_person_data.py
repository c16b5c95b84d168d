"""All that the service knows of an address, by table (GDPR, articles 15 and 20)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, LargeBinary, RowMapping, Table, select

from outreach.core import erasure
from outreach.core.audit import AuditEntry
from outreach.core.db import Base, Session, table_of
from outreach.core.db.bulk import among
from outreach.core.erasure import Redaction
from outreach.core.text.addresses import judge
from outreach.delivery.outbox import suppression_subject
from outreach.operations.retention import _every_table as every_table  # noqa: F401 - an erasure and an export walk what is loaded

Known = dict[str, list[dict[str, Any]]]
# Tables whose rows are about a person as a whole, so that what names such a row is about the person, too.
WHOLES = ("users", "contacts", "messages", "responses", "tracking_bases", "received_mails")
# What opens an account or signs a link tells nothing of a person, and would let others in.
SECRETS = {
    "users": {"password", "fs_uniquifier"},
    "second_factors": {"sealed"},
    "jobs": {"form", "lease"},
    "mailings": {"headers", "letter"},  # shared by all who got it; what was said to the person is its composition
}
# Columns of lists that somebody sent, and the part of their JSON that has a row for each of many people.
ROWS_OF_MANY = {"grid": "records", "outcome": "rejected"}
MOST_AT_ONCE = 500


def known_of(session: Session, address: str) -> Known:
    """The rows of every table that name this address, or that belong to such a row. Tables without any are left out.

    Rows come in the order of their keys: the pages, which show the first ones, and the files tell one and the same.
    The address is compared as letters compare it. Raises InputError when it is none.
    """
    judged = judge(address, examples=True)
    forms = sorted({judged.address, judged.key, judged.ascii} - {""})
    named = [Redaction(form, "", is_address=True) for form in forms]
    found: dict[str, dict[erasure.Key, RowMapping]] = {}
    for table in Base.metadata.sorted_tables:
        texts = erasure.texts_of(table, SECRETS.get(table.name, set()))
        rows: dict[erasure.Key, RowMapping] = {}
        for key in list(erasure.keys_with(session, table, texts, named)):
            rows[key] = session.execute(select(table).where(erasure.is_row(table, key))).mappings().one()
        for column, whole in _links(table):
            keys = [number for (number,) in found.get(whole, ())]
            for first in range(0, len(keys), MOST_AT_ONCE):
                linked = select(table).where(among(column, keys[first : first + MOST_AT_ONCE]))
                rows |= {erasure.row_key(table, row): row for row in session.execute(linked).mappings()}
        if rows:
            found[table.name] = rows
    excluded = [suppression_subject(number) for (number,) in found.get("suppressions", ())]
    entries = table_of(AuditEntry)
    for row in session.execute(select(entries).where(entries.c.subject.in_(excluded))).mappings():
        found.setdefault(entries.name, {})[erasure.row_key(entries, row)] = row
    return {name: [_told(name, row, named) for _, row in sorted(rows.items())] for name, rows in sorted(found.items())}


def export_person(address: str, known: Known) -> dict[str, Any]:
    """What is known of an address as the JSON that is handed over: the address as it is kept, and rows by table."""
    return {"address": judge(address, examples=True).address, "tables": known}


def named_by_number(known: Known) -> str:
    """Whose data these are, in French, without the address: the trail names a person by the numbers of rows."""
    named = [(word, known.get(table, ())) for word, table in (("boîte", "contacts"), ("compte", "users"))]
    if not any(rows for _, rows in named):
        named = [("exclusion", known.get("suppressions", ()))]
    lines = [f"{word} {', '.join(str(row['id']) for row in rows)}" for word, rows in named if rows]
    return "; ".join(lines) or "aucune boîte de l’annuaire, aucun compte"


def _links(table: Table) -> Iterator[tuple[Column[Any], str]]:
    """The columns that name a row of another table which is about a person as a whole."""
    for column in table.columns:
        for foreign in column.foreign_keys:
            if foreign.column.table.name in WHOLES and foreign.column.table is not table:
                yield column, foreign.column.table.name


def _told(name: str, row: RowMapping, named: Sequence[Redaction]) -> dict[str, Any]:
    hidden = SECRETS.get(name, set())
    shown = [column for column in Base.metadata.tables[name].columns if not isinstance(column.type, LargeBinary)]
    values = {column.name: _plain(row[column.name]) for column in shown if column.name not in hidden}
    return {column: _only_theirs(column, value, named) for column, value in values.items()}


def _only_theirs(column: str, value: object, named: Sequence[Redaction]) -> object:
    """A value; that of a list which was sent has no rows of others: nobody is handed what is known of somebody else."""
    if column not in ROWS_OF_MANY or not isinstance(value, str) or value[:1] != "{":
        return value
    read: Mapping[str, Any] = json.loads(value)
    part = ROWS_OF_MANY[column]
    said = ((row, json.dumps(row, ensure_ascii=False)) for row in read.get(part, ()))
    rows = [row for row, text in said if any(word.stands(text) for word in named)]
    return json.dumps({**read, part: rows} if part in read else read, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value
