"""What proves who decided what is only added to: the database refuses all else, to any connection."""

import sqlite3
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import select, table, text
from sqlalchemy.exc import IntegrityError

from tests.audit.test_seals import seal
from tests.conftest import state_from
from tests.operations.migrations.base_0092 import base_0092, upgraded_base
from tests.operations.migrations.dumps import insert

__all__ = ["base_0092", "upgraded_base"]
pytestmark = pytest.mark.postgresql
KEYS = {
    "address_confirmations": ["id"],
    "adherence_records": ["id"],
    "audit_entries": ["id"],
    "audit_seals": ["id"],
    "basis_withdrawals": ["basis_id"],
    "campaign_transitions": ["id"],
    "closure_withdrawals": ["closure_id"],
    "closures": ["id"],
    "decisions": ["id"],
    "draw_attempts": ["id"],
    "drawn_authorities": ["attempt_id", "authority_id"],
    "drawn_effects": ["campaign_id"],
    "exemption_withdrawals": ["exemption_id"],
    "exemptions": ["id"],
    "follow_up_steps": ["id"],
    "followed_draws": ["campaign_id"],
    "gate_changes": ["id"],
    "note_approvals": ["position"],
    "note_files": ["note_id", "kind"],
    "note_publications": ["note_id"],
    "note_revisions": ["id"],
    "note_rows": ["note_id", "strand", "fase"],
    "notes": ["id"],
    "prepared_texts": ["id"],
    "public_statements": ["id"],
    "reach_transitions": ["id"],
    "receipt_copies": ["message_id"],
    "record_withdrawals": ["record_id"],
    "acknowledgements": ["response_id"],
    "response_withdrawals": ["response_id"],
    "response_schools": ["response_id", "school_id"],
    "response_steps": ["id"],
    "responses": ["id"],
    "retention_changes": ["id"],
    "sealed_entries": ["entry_id"],
    "service_letters": ["id"],
    "service_replies": ["id"],
    "tracking_bases": ["id"],
    "wave_transitions": ["id"],
}
AT = "2021-05-18T09:00:00+00:00"
WAYS = {
    "update": "UPDATE {table} SET {key} = {key}",
    "delete": "DELETE FROM {table}",
    "upsert": (
        "INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT ({keys}) DO UPDATE SET {key} = {table}.{key}"
    ),
}
WAYS_OF = {
    "sqlite": {
        **WAYS,
        "replace": "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "update or replace": "UPDATE OR REPLACE {table} SET {key} = {key}",
        "replace by rowid": "INSERT OR REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {columns} FROM {table}",
    },
    "postgresql": {
        **WAYS,
        "truncate": "TRUNCATE {table} CASCADE",
        "replicate": "SET LOCAL session_replication_role = replica; DELETE FROM {table}",
    },
}


@state_from("upgraded_base")
def evidence(database, _settings):
    """A database with at least one row in each of these tables."""
    withdrawn = {"response_id": 1, "withdrawn_at": AT, "because": "not_ours"}
    kept = {"note_id": 1, "at": AT, "kind": "kept", "actor": "a@fwb.example", "words": "Les deux se lisent."}
    insert(database, {"response_withdrawals": [withdrawn], "note_revisions": [kept]})
    seal(database)


def test_rows_of_evidence_are_never_changed_or_deleted(evidence):
    """Each table by each way, over a connection of ours and over a stranger's, which sets nothing."""
    before = {table: rows_of(evidence, table) for table in KEYS}
    assert all(before.values()), "a table without rows shows nothing"
    with stranger(evidence) as by_a_stranger:
        passed = [
            (who, way, table)
            for table, keys in KEYS.items()
            for way, statement in WAYS_OF[evidence.engine.name].items()
            for who, run in {"we": by_us, "a stranger": by_a_stranger}.items()
            if not is_refused(evidence, run, spelt(before, statement, table, keys))
        ]
    assert not passed
    assert {table: rows_of(evidence, table) for table in KEYS} == before


EMPTYING = {"responses": ("comment", "proposed_address"), "response_steps": ("actor", "note")}
EMPTYING |= {"note_revisions": ("actor", "words")}
EMPTYING |= {"service_replies": ("subject", "text"), "service_letters": ("text",)}


def test_words_of_evidence_are_emptied_and_nothing_else_of_it(evidence):
    emptied = "UPDATE {0} SET {1} = '', {2} = '' WHERE {1} <> '' OR {2} <> ''"
    of_one = "UPDATE {0} SET {1} = '' WHERE {1} <> ''"
    typed, moved = "UPDATE {0} SET {1} = 'y'", "UPDATE {0} SET id = id + 9"
    for name, columns in EMPTYING.items():
        with evidence.engine.begin() as connection:
            statement = emptied if len(columns) > 1 else of_one
            assert connection.execute(text(statement.format(name, *columns))).rowcount > 0
        assert {row[column] for row in rows_of(evidence, name) for column in columns} == {""}
        assert is_refused(evidence, by_us, typed.format(name, columns[0]))
        assert is_refused(evidence, by_us, moved.format(name))


def test_a_draw_is_revealed_once_and_never_taken_back(evidence):
    waiting = next(row["id"] for row in rows_of(evidence, "draw_attempts") if row["seed"] is None)
    one = next(row for row in rows_of(evidence, "drawn_authorities") if row["attempt_id"] == waiting)
    of_one = f"attempt_id = {waiting} AND authority_id = {one['authority_id']}"
    of_list = "drawn_authorities", "place = {0}, departure = {0}", "letters = letters + 1", of_one
    revealed = "seed = '{0}', drawn_at = '2021-05-18', approver_bytes = '{0}'"
    for named, changed, frozen, where in (of_list, ("draw_attempts", revealed, "nonce = 'm'", f"id = {waiting}")):
        statement = f"UPDATE {named} SET {{}} WHERE {where}"  # noqa: S608 - names of our tables
        assert is_refused(evidence, by_us, statement.format(f"{changed.format(1)}, {frozen}"))
        with evidence.engine.begin() as connection:
            assert connection.execute(text(statement.format(changed.format(1)))).rowcount == 1
        assert is_refused(evidence, by_us, statement.format(changed.format(2)))
        assert is_refused(evidence, by_us, statement.format(changed.format(1)))
        assert is_refused(evidence, by_us, statement.format(f"{changed.partition(' = ')[0]} = NULL"))


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_row_is_not_replaced_by_one_with_another_key_in_its_place(evidence):
    """Where a key has two columns, SQLite numbers the rows beside it, and replaces by that number as well."""
    statement = (
        "INSERT OR REPLACE INTO response_schools (rowid, response_id, school_id)"
        " SELECT rowid, response_id, school_id + 1000 FROM response_schools"
    )
    with stranger(evidence) as by_a_stranger:
        assert is_refused(evidence, by_a_stranger, statement)


def spelt(before, statement, table, keys):
    columns = ", ".join(column for column in before[table][0] if column != "id")
    return statement.format(table=table, key=keys[0], keys=", ".join(keys), columns=columns)


def rows_of(database, name):
    with database.engine.connect() as connection:
        rows = connection.execute(select(text("*")).select_from(table(name))).mappings()
        return sorted((dict(row) for row in rows), key=str)


def is_refused(database, run, statement):
    """Whether the database refuses a statement. It is undone if not."""
    try:
        run(database, statement)
    except (IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError) as refusal:
        return "are only added" in str(refusal)
    return False


def by_us(database, statement):
    with database.engine.connect() as connection, connection.begin() as transaction:
        for part in statement.split("; "):
            connection.execute(text(part))
        transaction.rollback()


@contextmanager
def stranger(database):
    """What runs a statement over a connection that is none of ours, and undoes it."""
    url, is_sqlite = database.engine.url, database.engine.name == "sqlite"
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    opened = sqlite3.connect(url.database, isolation_level=None) if is_sqlite else psycopg.connect(plain)

    def run(_database, statement):
        if is_sqlite:
            connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(statement)
        finally:
            connection.rollback()

    with closing(opened) as connection:
        yield run
