"""SQLite, embedded: how its connections are set, and how a transaction waits for the one turn to write."""

import sqlite3
import time
from typing import Any

from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine import Connection

# With recursive_triggers, INSERT OR REPLACE fires the triggers that refuse to delete a row.
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"),
    "secure_delete=ON",  # or what was erased would stay in free pages, which backups copy
)
PATIENCE_SECONDS = 15
# SQLite's own wait tries after 1, 2, 5, 10, 15, 20, 25 ms and so on, later every 100 ms: whoever has waited for long
# tries least often, and those who come later get the turn. Broken off after 18 ms and begun again, it tries all along.
SHORT_MS = 18
FEW_PAGES, FEW_STATEMENTS = "cache_size=-500", 32  # of 2,000 kB and 128, for each connection
LOG_PAGES = "wal_autocheckpoint=4000"  # 16 MB: sending letters changes the same pages again and again


def hold_little(engine: Engine) -> None:
    """Have SQLite hold 1.5 MB for a connection, not 4.5: the system keeps the file's pages, too."""

    @event.listens_for(engine, "do_connect")
    def keep_few(_dialect: Dialect, _record: Any, _positional: Any, named: dict[str, Any]) -> None:
        named["cached_statements"] = FEW_STATEMENTS

    @event.listens_for(engine, "connect")
    def cache_few(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {FEW_PAGES}")


def engine_of(url: str, most_connections: int) -> Engine:
    """An engine whose transactions begin as the option `outreach_begin` says: IMMEDIATE where it says nothing.

    Raises OperationalError when a transaction did not get the turn to write within PATIENCE_SECONDS.
    """
    # isolation_level=None leaves BEGIN to us: the driver would begin too late, and never with IMMEDIATE.
    connecting = {"isolation_level": None, "timeout": PATIENCE_SECONDS}
    engine = create_engine(url, connect_args=connecting, max_overflow=most_connections, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        record.info["waits"] = PATIENCE_SECONDS * 1000  # as `timeout` has set it; a scoped connection sets nothing
        try:
            for pragma in (*PRAGMAS, LOG_PAGES):
                connection.execute(f"PRAGMA {pragma}")
        except engine.dialect.loaded_dbapi.Error:  # the file is no database
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("outreach_begin", "BEGIN IMMEDIATE")
        mode = "ON" if statement == "BEGIN" else "OFF"
        if connection.info.get("query_only") != mode:  # setting it makes SQLite drop its prepared statements
            connection.exec_driver_sql(f"PRAGMA query_only={mode}")
            connection.info["query_only"] = mode
        waits = SHORT_MS if statement == "BEGIN IMMEDIATE" else PATIENCE_SECONDS * 1000
        if connection.info.get("waits") != waits:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={waits}")
            connection.info["waits"] = waits
        if statement != "BEGIN IMMEDIATE" or not _has_begun(connection.connection.dbapi_connection):
            connection.exec_driver_sql(statement)

    return engine


def _has_begun(driver: Any) -> bool:
    """Begin to write as soon as nobody else does; False where somebody still did after PATIENCE_SECONDS."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the rest says of what kind
                return False
        else:
            return True
    return False
