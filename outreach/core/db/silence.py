"""Notices that a PostgreSQL server is silent, and gives a connection up instead of waiting for ever.

A server that is frozen or unreachable answers nothing, and its kernel may still take what we send. Every wait of
psycopg for the server goes through `NoticingConnection.wait`. It costs some microseconds an exchange, and one more
connection while a statement takes long.
"""

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from outreach.core.db.watch import Watch

ASK_SECONDS = 3.0  # of silence, until the server is asked on another connection whether it works; then as often again
REACH_SECONDS = 2  # in which it has to take that one: the least that psycopg waits
CONNECT_SECONDS = 3  # in which it has to take a connection that is to be used
USUAL_SECONDS = 4.0  # for what is no transaction's statement: to look whether the server is there, to roll back
MARGIN_SECONDS = 1.5  # beyond the time after which the server itself ends a statement
UNHEARD_MILLISECONDS = 10_000  # in which the server's kernel has to acknowledge what we sent


class NoticingConnection(psycopg.Connection[Any]):
    """A connection that closes itself when the server is silent: what waits for an answer gets an OperationalError.

    A statement may last as long as the server works, which is asked on another connection. Where the server itself
    ends it within `ends_within` seconds, it is silent when it does not: `time_limit` says so for each transaction.
    """

    watch: Watch | None = None
    ends_within: float | None = USUAL_SECONDS

    def wait(self, gen: Any, *arguments: Any, **named: Any) -> Any:
        """As psycopg, which calls it for each exchange with the server."""
        return super().wait(self._noticing(gen), *arguments, **named)

    def _noticing(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same generator. psycopg resumes it ten times a second while nothing comes."""
        try:
            wanted = next(gen)
            began = asked = time.monotonic()
            while True:
                came = yield wanted
                if not came and self._is_given_up(began, asked):
                    self.pgconn.finish()
                    raise psycopg.OperationalError("no answer in time, the connection was closed")
                if time.monotonic() - asked > ASK_SECONDS:
                    asked = time.monotonic()
                wanted = gen.send(came)
        except StopIteration as end:
            return end.value

    def _is_given_up(self, began: float, asked: float) -> bool:
        now = time.monotonic()
        if self.ends_within is not None and now - began > self.ends_within + MARGIN_SECONDS:
            return True
        if self.watch is None:
            return False
        return self.watch.is_silent or (now - asked > ASK_SECONDS and not self.watch.answers())


def install(engine: Engine, watch: Watch) -> None:
    """Make all further connections of an engine notice a silent server."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Dialect, _entry: ConnectionPoolEntry, words: list[Any], named: dict[str, Any]) -> Any:
        if watch.is_silent:
            raise ConnectionTimeout("the server is silent")
        limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": UNHEARD_MILLISECONDS}
        try:
            connection = NoticingConnection.connect(*words, **{**named, **limits})
        except ConnectionTimeout:
            watch.fall_silent()
            raise
        connection.watch = watch
        return connection

    @event.listens_for(engine, "checkin")
    def forget(connection: NoticingConnection | None, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.ends_within = USUAL_SECONDS


def reaches(engine: Engine) -> bool:
    """Whether the server takes a connection, or refuses it, within 2 s: both is an answer."""
    words, named = engine.dialect.create_connect_args(engine.url)
    try:
        psycopg.connect(*words, **{**named, "connect_timeout": REACH_SECONDS}).close()
    except ConnectionTimeout:
        return False
    except psycopg.OperationalError:
        return True
    return True
