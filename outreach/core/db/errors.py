"""Says what a database error is without a word that somebody typed: no parameter, no row, no text of SQL.

Errors carry all of it by default: the statement and its parameters, a failing row in the server's detail. Whoever logs,
prints or raises such an error would write it down. So the errors themselves are rewritten where they come to be.
"""

import logging
import re
from typing import Any

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, StatementError

TYPED_BEGINS = re.compile(r"'|/\*|--")  # a literal or a comment: what follows is not looked at
VERB = re.compile(r"\w+")
TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM|TABLE|COPY) \"?(\w+)", re.IGNORECASE)
# SQLite's words for these are fixed: busy, locked, read-only, input and output, full, cannot be opened, no database.
FIXED_WORDS = frozenset({5, 6, 8, 10, 13, 14, 26})
RAISED_BY_OURS = frozenset({"P0001", "23000"})  # what our triggers raise, with words of our own
NO_ROOM_IN_POSTGRESQL, NO_ROOM_IN_SQLITE = "53100", "database or disk is full"


def install(engine: Engine) -> None:
    """Have every error of an engine, and of those with other options that are made of it, say no more than that."""
    event.listen(engine, "handle_error", _rewrite)
    logging.getLogger("psycopg").addFilter(_rewrite_arguments)  # the same filter is added once


def conceal(error: BaseException, statement: str | None) -> str:
    """Rewrite an error of a driver, and return its words: class, SQLSTATE or SQLite's name, constraint, statement."""
    said: str | None = getattr(error, "concealed", None)
    if said is None:
        said = _words(error, statement)
        error.args, error.concealed = (said,), said  # type: ignore[attr-defined]
        error.__suppress_context__ = True  # a refusal that quotes a form may have been on its way
    return said


def _rewrite(context: ExceptionContext) -> None:
    shown = context.sqlalchemy_exception
    if shown is None and not isinstance(context.original_exception, context.dialect.loaded_dbapi.Error):
        return
    said = conceal(context.original_exception, context.statement)
    if isinstance(shown, StatementError):
        shown.args, shown.statement, shown.params, shown.code = (said,), None, None, ""
        shown.concealed = said  # type: ignore[attr-defined]


def _rewrite_arguments(record: logging.LogRecord) -> bool:
    """psycopg logs an error that it ignores because of another one, before SQLAlchemy sees either."""
    if isinstance(record.args, tuple):
        record.args = tuple(_words(one, None) if isinstance(one, BaseException) else one for one in record.args)
    return True


def _words(error: BaseException, statement: str | None) -> str:
    sqlstate, sqlite_name = getattr(error, "sqlstate", None), getattr(error, "sqlite_errorname", None)
    parts = [
        type(error).__name__,
        f"SQLSTATE {sqlstate}" if sqlstate else sqlite_name or "",
        _constraint_of(error),
        _name_of(statement or ""),
        _fixed_words(error),
    ]
    return ", ".join(part for part in parts if part)


def _constraint_of(error: Any) -> str:
    """The constraint, or the column that may not be empty; what a trigger of ours says."""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is None:
        is_constraint = getattr(error, "sqlite_errorname", "").startswith("SQLITE_CONSTRAINT")
        broken = str(error).rpartition("constraint failed: ")[2] if is_constraint else ""
    else:
        column = f"{diagnosis.table_name}.{diagnosis.column_name}" if diagnosis.column_name else ""
        raised = diagnosis.message_primary if diagnosis.sqlstate in RAISED_BY_OURS else ""
        broken = diagnosis.constraint_name or column or raised or ""
    return f"constraint {broken}" if broken else ""


def _name_of(statement: str) -> str:
    """The verb of a statement and the table that it names first."""
    ours = " ".join(TYPED_BEGINS.split(statement, maxsplit=1)[0].split())
    verb, table = VERB.search(ours), TABLE.search(ours)
    if verb is None:
        return ""
    return f"statement {verb[0]} {table[1]}" if table else f"statement {verb[0]}"


def _fixed_words(error: Any) -> str:
    """The first line of why the server or the file cannot be reached: it holds no value of a statement."""
    is_of_connection = type(error).__name__ == "OperationalError" and getattr(error, "sqlstate", "") is None
    is_fixed = getattr(error, "sqlite_errorcode", 0) & 0xFF in FIXED_WORDS
    return str(error).strip().partition("\n")[0] if is_of_connection or is_fixed else ""


def says_full(error: Exception) -> bool:
    """Whether a database refused to write because its own disk is full."""
    if not isinstance(error, DBAPIError):
        return False
    return getattr(error.orig, "sqlstate", "") == NO_ROOM_IN_POSTGRESQL or NO_ROOM_IN_SQLITE in str(error.orig)
