"""By which way somebody acts on the database: a page, a command, or the clock.

The database: one engine, two ways to open a session, times in UTC, names for constraints.

`reading()` sees one consistent state and cannot write; `writing()` is one transaction that commits when its
block ends well. Domain functions take the session and never commit.
"""

import logging
import os
import pwd
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial, wraps
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar
from weakref import WeakSet

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

from outreach.core.db import errors, sqlite, time_limit
from outreach.core.db.watch import DatabaseAway, DatabaseFault, FaultLog, Watch
from outreach.core.text import logs

SIGNED_IN = Path("/proc/self/loginuid")
NOBODY = 2**32 - 1  # what the kernel says of a process that no sign-in began, as a service or a container


class Way(StrEnum):
    """By which way a session came to be."""

    PAGE = "page"
    COMMAND = "command"
    CLOCK = "clock"


def system_user() -> str:
    """The system user that runs this process, after who signed in to the machine, where that is somebody else.

    It asks the system, not the environment, which a command could set as it likes.
    """
    user = _name_of(os.getuid())
    try:
        began = int(SIGNED_IN.read_text())
    except (OSError, ValueError):
        return user
    return user if began in {NOBODY, os.getuid()} else f"{_name_of(began)} ({user})"


def _name_of(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


__all__ = [
    "KEY", "NO_ANSWER", "Base", "Database", "Session", "UtcDateTime", "analyze_after", "enum_of", "hold_off_writers",
    "make_private", "table_of", "take_lock", "take_shared_lock", "try_lock",
]

NO_ANSWER = (OperationalError, NoConnection, DatabaseAway)  # raised when the database does not answer
# A page may hold two connections at once (what it reads, what it writes). With fewer than 2 for each of the 8 pages
# that a process serves at a time, these could wait for each other for ever. Its 24 other threads hold one each at most.
MOST_CONNECTIONS = 50
RESTED_SECONDS = 1.0
GREW = "grew"
KNOWN = "known"  # in the info of a session that reads: what was asked in it
P = ParamSpec("P")
R = TypeVar("R")
logger = logging.getLogger(__name__)
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


# Keys of letters and hits, of which a few years bring more than 2³¹. SQLite's integers are large enough.
KEY = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Storing a naive time raises ValueError; a time read back is aware and in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Convert a time to UTC for the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Make a time from the database aware: SQLite stores no zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {datetime: UtcDateTime, date: Date}


def table_of(model: type[Base]) -> Table:
    """A model's table, for statements that write thousands of rows: the ORM would cost more than the statement."""
    return Base.metadata.tables[model.__tablename__]


def take_lock(session: Session, *names: object) -> None:
    """Wait for the lock of this name, and hold it to the end of the transaction.

    Call it before code that reads, decides and writes: on PostgreSQL, two transactions could otherwise decide on the
    same data. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(":".join(map(str, names))))))


def take_shared_lock(session: Session, *names: object) -> None:
    """Wait until nobody holds the lock of this name alone (`take_lock`), and keep it from whoever would.

    For many small transactions that may go on side by side, though not beside a large one.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock_shared(func.hashtext(":".join(map(str, names))))))


def try_lock(session: Session, *names: object) -> bool:
    """Take the lock of this name, to the end of the transaction, unless another transaction holds it: then False.

    For what the other does just as well, so that there is nothing to wait for.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(":".join(map(str, names)))))))


def once_a_reading(ask: Callable[Concatenate[Session, P], R]) -> Callable[Concatenate[Session, P], R]:
    """Ask once for the same values in a session of `reading`, which sees one state; each time in one that may write.

    What is returned is shared: nobody may change it.
    """

    @wraps(ask)
    def asked(session: Session, /, *values: P.args, **named: P.kwargs) -> R:
        known: dict[Any, R] | None = session.info.get(KNOWN)
        if known is None:
            return ask(session, *values, **named)
        key = (ask, values, *named.items())
        if key not in known:
            known[key] = ask(session, *values, **named)
        return known[key]

    return asked


def analyze_after(session: Session, *models: type[Base], of: Collection[InstrumentedAttribute[Any]] = ()) -> None:
    """Have PostgreSQL analyse these tables once the transaction is over, of which it wrote many rows.

    Until a server does so by itself, its plans are those for the few rows of before: counting an audience with
    thousands of new mailboxes took minutes. `of` are the columns of a table of many that plans go by: of the others
    the server knows what it knew.
    """
    names = {model.__tablename__ for model in models}
    if of:
        (table,) = {column.class_.__tablename__ for column in of}
        names.add(f"{table} ({', '.join(column.key for column in of)})")
    session.info[GREW] = session.info.get(GREW, frozenset()) | names


def hold_off_writers(session: Session, model: type[Base]) -> None:
    """Let nobody else write to a table until the end of the transaction; reading goes on.

    Call it before code that compares a whole table with something and writes thousands of rows of it, where turns by
    name (`take_lock`) would be as many as rows. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {model.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


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


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone; `mkdir` says so of the last only."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


class Database:
    """The engine of one URL. Open sessions with `reading` and `writing` only.

    Each session says in its `info` by which `way` it came: a command's, unless `by` names another. `info` holds what
    else every session carries: an installation's rules, for the functions that keep them.
    """

    way = Way.COMMAND

    def __init__(self, url: str, info: Mapping[str, object] | None = None) -> None:
        self.info = dict(info or {})
        parsed = make_url(url)
        self.watch: Watch | None = None
        self.faults = FaultLog()
        self._kept: WeakSet[Connection] = WeakSet()
        self._last_calls: list[Callable[[], object]] = []
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                make_private(Path(parsed.database).parent)
                Path(parsed.database).touch(mode=0o600)
            self.engine: Engine = sqlite.engine_of(url, MOST_CONNECTIONS)
            self._reader: Engine = self.engine.execution_options(outreach_begin="BEGIN", outreach_reads=True)
            self._writer: Engine = self.engine.execution_options(outreach_begin="BEGIN IMMEDIATE")
        else:
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.engine = create_engine(parsed, max_overflow=MOST_CONNECTIONS, hide_parameters=True)
            _ask_the_rested(self.engine)
            self._reader = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True, outreach_reads=True
            )
            self._writer = self.engine
        time_limit.install(self.engine)
        errors.install(self.engine)

    def by(self, way: Way) -> Self:
        """The same database, whose sessions came by this way. Both share their connections."""
        same = copy(self)
        same.way = way
        return same

    def watched(self, judge: Callable[[Engine], DatabaseFault | None]) -> Self:
        """Refuse sessions while the server is silent or `judge` finds a fault, for a process that serves pages.

        They raise one of NO_ANSWER. Call it before the first connection; returns this database.
        """
        self.watch = Watch(self._reader, judge, faults=self.faults)
        if self.engine.dialect.name == "postgresql":
            from outreach.core.db import silence  # noqa: PLC0415 - for web processes on PostgreSQL: it loads the driver

            self.watch = Watch(self._reader, judge, partial(silence.reaches, self.engine), self.faults)
            silence.install(self.engine, self.watch)
        else:
            sqlite.hold_little(self.engine)
        return self

    def note_fault(self, error: Exception) -> None:
        """Have the log say, once a fault, that something was refused because of an error of NO_ANSWER."""
        (self.watch or self.faults).note(error)

    def note_answer(self) -> None:
        """Have the log say that a fault is over, for a process that is not watched: the database has just answered."""
        self.faults.note_answer()

    def _admit(self) -> None:
        if self.watch is not None:
            self.watch.admit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the data and cannot change it. `time_limit.limit` says how long it may take.

        Raises TookTooLong beyond that.
        """
        self._admit()
        with Session(self._reader, info={**self.info, KNOWN: {}}) as session:
            time_limit.tell(session)
            yield session
            # An empty commit rather than a rollback: after a ROLLBACK psycopg drops all its prepared statements.
            session.expunge_all()
            session.commit()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, undone if the block raises."""
        self._admit()
        with Session(self._writer, info={**self.info, "way": self.way}) as session, session.begin():
            yield session
        if grew := session.info.get(GREW):
            self._analyse(grew)

    def _analyse(self, tables: Collection[str]) -> None:
        """Look at what has grown: outside a transaction that others wait for. What was written stands without it."""
        if self.engine.dialect.name != "postgresql":
            return
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"ANALYZE {', '.join(sorted(tables))}"))
        except NO_ANSWER as error:
            extra = {"event": "tables_not_analysed"}
            logger.warning("tables that grew were not analysed: %s", logs.told(error), extra=extra)

    def connect(self) -> Connection:
        """A connection that may write, for a thread that keeps one. `dispose` closes it, too."""
        self._admit()
        connection = self._writer.connect()
        self._kept.add(connection)
        return connection

    def limit_transactions(self, seconds: int) -> None:
        """Let PostgreSQL end any transaction of this process that lasts, or stays idle, longer than this.

        A process that is frozen or unreachable would otherwise keep its row locks, and the others would wait for them.
        It does nothing on SQLite, whose lock belongs to the process: there, the process has to be ended.
        """
        if self.engine.dialect.name != "postgresql":
            return

        @event.listens_for(self.engine, "connect")
        def limit(connection: Any, _record: Any) -> None:
            # After an executemany, which psycopg sends as a pipeline, only the second applies; PostgreSQL 17 added it.
            names = ("idle_in_transaction_session_timeout", "transaction_timeout")
            for name in names if connection.info.server_version >= 170000 else names[:1]:
                connection.execute(f"SET {name} = '{seconds}s'")
            connection.commit()

        self.dispose()

    def before_dispose(self, call: Callable[[], object]) -> None:
        """Have something called before the connections are closed: what still waits can then be written."""
        self._last_calls.append(call)

    def dispose(self) -> None:
        """Close every connection."""
        for call in self._last_calls:
            call()
        for connection in list(self._kept):
            connection.close()
        self.engine.dispose()


def _ask_the_rested(engine: Engine) -> None:
    """Ping a connection before its use if it was idle for a second or more: the server may have been restarted.

    A connection that was in use more recently is not pinged: a ping takes longer than some statements of a round.
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
