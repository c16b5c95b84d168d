"""The database: one engine, two ways to open a session, times in UTC, names for constraints.

`reading()` sees one consistent state and cannot write; `writing()` is one transaction that commits when its
block ends well. Domain functions take the session and never commit.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Date, DateTime, Dialect, Engine, Enum, MetaData, Table, create_engine, event, func, select
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

__all__ = ["NO_ANSWER", "Base", "Database", "Session", "UtcDateTime", "enum_of", "table_of", "take_turns"]

NO_ANSWER = (OperationalError, NoConnection)  # what is raised where the database does not answer
# A page may hold three at once (who is signed in, what it shows, the clock): sixteen threads must never wait in a ring.
MOST_CONNECTIONS = 50
RESTED_SECONDS = 1.0
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive times are refused on the way in; what comes out is aware and in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To the database, in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database, aware: SQLite keeps no zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {datetime: UtcDateTime, date: Date}


def table_of(model: type[Base]) -> Table:
    """A model's table, for the few statements that write thousands of rows: the mapper would cost more than they do."""
    return Base.metadata.tables[model.__tablename__]


def take_turns(session: Session, *names: object) -> None:
    """Wait until nobody else holds this name, and hold it to the end of the transaction.

    For what reads, decides and writes: on PostgreSQL two transactions would otherwise decide on the same reading.
    SQLite has one writer at a time already.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(":".join(map(str, names))))))


def enum_of(kind: type[StrEnum], name: str) -> Enum:
    """A text column that holds the values of `kind` and nothing else, on every database."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=40,
        values_callable=lambda members: [member.value for member in members],
    )


class Database:
    """The engine of one URL. `reading` and `writing` are the only doors."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                Path(parsed.database).touch(mode=0o600)
            self.engine: Engine = _sqlite(url)
            self._reader: Engine = self.engine.execution_options(outreach_begin="BEGIN")
            self._writer: Engine = self.engine.execution_options(outreach_begin="BEGIN IMMEDIATE")
        else:
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.engine = create_engine(parsed, max_overflow=MOST_CONNECTIONS)
            _ask_the_rested(self.engine)
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._writer = self.engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the data and cannot change it."""
        with Session(self._reader) as session:
            yield session
            # Committed, with nothing in it: after a ROLLBACK psycopg forgets every statement it has prepared.
            session.expunge_all()
            session.commit()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, undone if the block raises."""
        with Session(self._writer) as session, session.begin():
            yield session

    def open(self, *, writing: bool) -> Session:
        """A session for a library that commits and closes by itself (flask-security); everybody else uses the doors."""
        return Session(self._writer if writing else self._reader)

    def limit_transactions(self, seconds: int) -> None:
        """From now on the server ends a transaction of this process that lasts for so long, or is idle for so long.

        Frozen, or on a machine out of reach, it would keep everybody waiting for the rows that it holds. SQLite locks
        a file for a process, which has to be ended.
        """
        if self.engine.dialect.name != "postgresql":
            return

        @event.listens_for(self.engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            # After a statement for many rows, which goes as a pipeline, only the second counts; it came with 17.
            names = ("idle_in_transaction_session_timeout", "transaction_timeout")
            for name in names if connection.info.server_version >= 170000 else names[:1]:
                connection.execute(f"SET {name} = '{seconds}s'")
            connection.commit()

        self.engine.dispose()

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _ask_the_rested(engine: Engine) -> None:
    """A connection that has rested is asked whether it lives before it is used: the server may have been restarted.

    One that was in use just now is not: asking takes longer than some of a round's statements.
    """

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.pop("rests_since", None)
        if since is None or time.monotonic() - since < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise InvalidatePoolError from None


LOG_PAGES = "wal_autocheckpoint=4000"  # 16 MB: letters that leave change the same pages again and again


def _sqlite(url: str) -> Engine:
    # isolation_level=None hands BEGIN to us: the driver's own would start a transaction too late and never IMMEDIATE.
    engine = create_engine(url, connect_args={"isolation_level": None, "timeout": 15}, max_overflow=MOST_CONNECTIONS)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000", LOG_PAGES):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("outreach_begin", "BEGIN IMMEDIATE")
        mode = "ON" if statement == "BEGIN" else "OFF"
        if connection.info.get("query_only") != mode:  # each time it is set, SQLite forgets what it has prepared
            connection.exec_driver_sql(f"PRAGMA query_only={mode}")
            connection.info["query_only"] = mode
        connection.exec_driver_sql(statement)

    return engine
