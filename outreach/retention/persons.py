"""All that the service knows of an address, by table (GDPR, articles 15 and 20)."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Enum, LargeBinary, RowMapping, String, Table, func, or_, select

from outreach.audit import AuditEntry
from outreach.db import Base, Session, table_of
from outreach.db.in_list import among
from outreach.delivery.ledger.suppressions import subject_of
from outreach.mail.addresses import judge

Known = dict[str, list[dict[str, Any]]]
# Tables whose rows are about a person as a whole, so that what names such a row is about the person, too.
WHOLES = ("users", "contacts", "messages", "responses", "tracking_bases")
# What opens an account or signs a link tells nothing of a person, and would let others in.
SECRETS = {
    "users": {"password", "fs_uniquifier"},
    "second_factors": {"sealed"},
    "jobs": {"form", "lease"},
    "mailings": {"headers", "letter"},  # shared by all who got it; what was said to the person is its composition
}
MOST_AT_ONCE = 500


def known_of(session: Session, address: str) -> Known:
    """The rows of every table that name this address, or that belong to such a row. Tables without any are left out.

    The address is compared as letters compare it. Raises InputError when it is none.
    """
    key = judge(address, examples=True).key
    found: dict[str, dict[tuple[Any, ...], RowMapping]] = {}
    for table in Base.metadata.sorted_tables:
        rows = {_key(table, row): row for row in _naming(session, table, key)}
        for column, whole in _links(table):
            keys = [number for (number,) in found.get(whole, ())]
            for first in range(0, len(keys), MOST_AT_ONCE):
                linked = select(table).where(among(column, keys[first : first + MOST_AT_ONCE]))
                rows |= {_key(table, row): row for row in session.execute(linked).mappings()}
        if rows:
            found[table.name] = rows
    excluded = [subject_of(number) for (number,) in found.get("suppressions", ())]
    entries = table_of(AuditEntry)
    for row in session.execute(select(entries).where(entries.c.subject.in_(excluded))).mappings():
        found.setdefault(entries.name, {})[_key(entries, row)] = row
    return {name: [_told(name, row) for row in rows.values()] for name, rows in sorted(found.items())}


def _naming(session: Session, table: Table, key: str) -> Iterator[RowMapping]:
    """The rows in a text of which the address stands as a whole: not within a longer one."""
    texts = _texts(table)
    if not texts:
        return
    holds: list[ColumnElement[bool]] = [func.lower(column).contains(key.lower(), autoescape=True) for column in texts]
    names = [column.name for column in texts]
    for row in session.execute(select(table).where(or_(*holds))).mappings():
        if any(_stands(key.lower(), (row[name] or "").lower()) for name in names):
            yield row


def _stands(key: str, words: str) -> bool:
    """Whether the address stands in these words as a whole, with no more of an address before or after it."""
    place = words.find(key)
    while place >= 0:
        before, after = words[:place][-1:], words[place + len(key) :][:2]
        is_more = after[:1].isalnum() or after[:1] in {"-", "_"} or (after[:1] == "." and after[1:].isalnum())
        if not (before.isalnum() or before in {".", "-", "_", "+"} or is_more):
            return True
        place = words.find(key, place + 1)
    return False


def _texts(table: Table) -> Sequence[Column[Any]]:
    hidden = SECRETS.get(table.name, set())
    kinds = [column for column in table.columns if isinstance(column.type, String) and column.name not in hidden]
    return [column for column in kinds if not isinstance(column.type, Enum)]


def _links(table: Table) -> Iterator[tuple[Column[Any], str]]:
    """The columns that name a row of another table which is about a person as a whole."""
    for column in table.columns:
        for foreign in column.foreign_keys:
            if foreign.column.table.name in WHOLES and foreign.column.table is not table:
                yield column, foreign.column.table.name


def _key(table: Table, row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _told(name: str, row: RowMapping) -> dict[str, Any]:
    hidden = SECRETS.get(name, set())
    shown = [column for column in Base.metadata.tables[name].columns if not isinstance(column.type, LargeBinary)]
    return {column.name: _plain(row[column.name]) for column in shown if column.name not in hidden}


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value
