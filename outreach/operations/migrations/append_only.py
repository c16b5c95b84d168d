"""Tables to which rows are only added: triggers with which the database itself refuses everything else.

They hold for any connection, not only for ours. SQLite fires no delete trigger for `INSERT OR REPLACE` unless the
connection asks for it, so there an insert with a key that exists is refused as well. Altering a table in a batch
makes SQLite build it anew without its triggers: put such a change between `unguard` and `guard`.
"""

from collections.abc import Sequence

from alembic import op

FUNCTION = "refuse_change"
SAME, CHANGED = "NEW.{0} IS NOT DISTINCT FROM OLD.{0}", "NEW.{0} IS DISTINCT FROM OLD.{0}"
ERASED = "(NEW.{0} IS NOT DISTINCT FROM OLD.{0} OR NEW.{0} = '' OR NEW.{0} LIKE '%effacé%')"


def create_function() -> None:
    """Create what the triggers of PostgreSQL call."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_raise()} END $$")


def drop_function() -> None:
    """Drop what `create_function` created."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {FUNCTION}()")


def guard(table: str, key: Sequence[str] = ("id",)) -> None:
    """Let rows be added to a table and nothing else. `key` is its primary key."""
    if op.get_bind().dialect.name == "postgresql":
        _always(f"{table}_guard", f"BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT")
        return
    _refuse(table, "update", "BEFORE UPDATE")
    _refuse(table, "delete", "BEFORE DELETE")
    _refuse_taken_keys(table, key)


def guard_but(table: str, permitted: str, key: Sequence[str] = ("id",)) -> None:
    """Let rows be added to a table, and changed where `permitted` is true: SQL over OLD and NEW for both databases."""
    if op.get_bind().dialect.name == "postgresql":
        _always(f"{table}_guard", f"BEFORE DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT")
        op.execute(
            f"CREATE FUNCTION {FUNCTION}_of_{table}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF {permitted} THEN RETURN NEW; END IF; {_raise()} END $$"
        )
        _always(f"{table}_update", f"BEFORE UPDATE ON {table} FOR EACH ROW", f"{FUNCTION}_of_{table}")
        return
    _refuse(table, "update", "BEFORE UPDATE", f"WHEN NOT ({permitted})")
    _refuse(table, "delete", "BEFORE DELETE")
    _refuse_taken_keys(table, key)


def guard_words(table: str, words: Sequence[str], same: Sequence[str], key: Sequence[str] = ("id",)) -> None:
    """Let rows be added to a table, and lose what these columns say: they may be emptied, or hold a sign of an erasure.

    `same` are the other columns, which stay as they are.
    """
    is_changed = f"({' OR '.join(map(CHANGED.format, words))})"
    guard_but(table, " AND ".join((is_changed, *map(ERASED.format, words), *map(SAME.format, same))), key)


def unguard(table: str) -> None:
    """Drop the triggers of `guard` or `guard_but`."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER IF EXISTS {table}_guard ON {table}")
        op.execute(f"DROP TRIGGER IF EXISTS {table}_update ON {table}")
        op.execute(f"DROP FUNCTION IF EXISTS {FUNCTION}_of_{table}()")
        return
    for name in ("update", "delete", "insert"):
        op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")


def _raise() -> str:
    """What a trigger of PostgreSQL does, in its own language; SQLite's error is an IntegrityError as well."""
    return "RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';"


def _always(name: str, when: str, function: str = FUNCTION) -> None:
    table = when.partition(" ON ")[2].partition(" ")[0]
    op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {function}()")
    # Without ALWAYS, a session that says it replicates (session_replication_role) would fire no trigger.
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def _refuse(table: str, name: str, event: str, when: str = "") -> None:
    refusal = f"SELECT RAISE(ABORT, 'rows of {table} are only added')"
    op.execute(f"CREATE TRIGGER {table}_{name} {event} ON {table} {when} BEGIN {refusal}; END")


def _refuse_taken_keys(table: str, key: Sequence[str]) -> None:
    """Refuse an insert that would replace a row. A key that the database assigns is -1 before the insert."""
    is_taken = " AND ".join(f"{column} = NEW.{column}" for column in key)
    held = f"SELECT 1 FROM {table} WHERE rowid = NEW.rowid OR ({is_taken})"  # noqa: S608 - names of our tables
    _refuse(table, "insert", "BEFORE INSERT", f"WHEN EXISTS ({held})")
