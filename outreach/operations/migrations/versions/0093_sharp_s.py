"""“ß” and a last “ς” stay in the domain of an address as it is compared, since they make another domain"""

from collections.abc import Sequence
from typing import Any
from unicodedata import normalize

import sqlalchemy as sa
from alembic import op

from outreach.operations.migrations.kinds import MigrationKind

revision = "0093"
down_revision = "0092"
branch_labels = None
depends_on = None
# The program from before makes another key of such an address, by which it would not find its exclusion.
kind = MigrationKind.BREAKING

WITH_ADDRESS = ("contacts", "messages")
OF_EXCLUSION = "reason, scope, created_at, created_by, detail, lifted_at, lifted_by, lifted_because"


def upgrade() -> None:
    keys: dict[str, set[str]] = {}
    for table in WITH_ADDRESS:
        for row in _rows(f"SELECT id, address FROM {table} WHERE address LIKE '%ß%' OR address LIKE '%ς%'"):
            before, after = _folded(row.address), _key(row.address)
            if before != after:
                keys.setdefault(before, set()).add(after)
                _run(f"UPDATE {table} SET address_key = :key WHERE id = :id", key=after, id=row.id)
    for before, after in keys.items():
        _exclude(before, sorted(after))


def downgrade() -> None:
    for table in (*WITH_ADDRESS, "suppressions"):
        for row in _rows(f"SELECT id, address_key FROM {table} WHERE address_key LIKE '%ß%' OR address_key LIKE '%ς%'"):
            key = _folded(row.address_key)
            if table == "suppressions":
                copied = "o.address_key = :key AND o.reason = s.reason AND o.created_at = s.created_at"
                known = f"SELECT s.id FROM suppressions s JOIN suppressions o ON {copied} WHERE s.id = :id"
                _run(f"DELETE FROM suppressions WHERE id IN ({known})", key=key, id=row.id)
            _run(f"UPDATE {table} SET address_key = :key WHERE id = :id", key=key, id=row.id)


def _exclude(before: str, after: Sequence[str]) -> None:
    """Have an exclusion stop whom it stopped: it is copied where its key was that of several addresses."""
    of_both = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE address_key = :key" for table in WITH_ADDRESS)
    moves = [] if _rows(of_both, key=before) else after[:1]
    for key in after:
        if key not in moves:
            columns = f"address_key, {OF_EXCLUSION}"
            copied = f"SELECT :key, {OF_EXCLUSION} FROM suppressions WHERE address_key = :before"
            _run(f"INSERT INTO suppressions ({columns}) {copied}", key=key, before=before)
    for key in moves:
        _run("UPDATE suppressions SET address_key = :key WHERE address_key = :before", key=key, before=before)


def _key(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return normalize("NFC", local.casefold() + at + domain.lower())


def _folded(address: str) -> str:
    return normalize("NFC", address.casefold())


def _rows(query: str, **values: Any) -> Sequence[sa.Row[Any]]:
    return op.get_bind().execute(sa.text(query), values).all()


def _run(statement: str, **values: Any) -> None:
    op.get_bind().execute(sa.text(statement), values)
